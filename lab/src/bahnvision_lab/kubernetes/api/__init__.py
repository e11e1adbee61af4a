"""How a request becomes an answer: paths, discovery, identity, permission, patches, the store, the server."""
