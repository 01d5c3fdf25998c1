//! Loading whole applications, from files as people write them.

#[cfg(test)]
mod folder;
#[cfg(test)]
mod loading;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod sources;
