"""Heroku: the checkout is built there from its sources, and a rollback is Heroku's own."""
