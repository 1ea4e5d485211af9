/** The page's world, left as it is. */
