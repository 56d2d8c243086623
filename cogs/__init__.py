"""Wanda's Discord face: a folder for each thing that people see."""
