"""Describe the AWS stack and package what goes into it."""
