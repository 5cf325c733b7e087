"""Networks of the papers; what several share is in `encoder_decoder`."""
