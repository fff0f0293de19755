"""The live loop: latest-value slots between the steps, the output's clock, the user's controls."""
