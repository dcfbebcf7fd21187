"""Ways a message goes out."""
