"""AWS S3: a folder of the checkout is laid into a bucket."""
