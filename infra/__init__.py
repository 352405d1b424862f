"""Everything around the application: its AWS stack, the local system, the operators' commands."""
