"""Who the local administrator is: the service account of whoever runs Annals on this machine."""

ACCOUNT = "local-admin"
TENANT = "default"
