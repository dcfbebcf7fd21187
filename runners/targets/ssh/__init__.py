"""Hosts that are reached by SSH: releases in folders, and a link that is switched from one to the next."""
