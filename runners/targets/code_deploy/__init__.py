"""AWS CodeDeploy: the checkout becomes a revision, which a deployment group gets."""
