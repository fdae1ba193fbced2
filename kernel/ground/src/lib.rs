//! Nothing but the dependencies of this package: the crates that the session library and the crates of a notebook both
//! use, with all the features that are usual, so that both builds compile the very same ones.
