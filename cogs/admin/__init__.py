"""`/wanda-admin`: budgets, rules, reports and exports for a server's admins."""
