"""From a command or a form to a job: attachments, quote, confirmation and the card's place."""
