"""What other tools wrote in, manifests and warnings out."""
