"""Models: the catalog of weights, fetching, and the chat model seam."""
