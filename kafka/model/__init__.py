"""Values without behaviour: positions, records, copies, policies, the tree of errors. Nothing here touches a broker."""
