"""AWS Elastic Beanstalk: the checkout becomes an application version, which an environment runs."""
