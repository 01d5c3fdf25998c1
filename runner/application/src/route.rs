//! Which component answers which path.

use crate::route_pattern::{PatternFault, RoutePattern};

/// A route and the component that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The id of the component.
    pub component: String,
    /// The path as written in the manifest, such as `/health/...`.
    pub raw: String,
    /// The path without a slash at its end; empty for `/`.
    pub based: String,
}

impl Route {
    fn new(component: &str, raw: &str) -> Self {
        let slash = if raw.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{raw}");
        let based = path.strip_suffix('/').unwrap_or(&path).to_owned();
        Self {
            component: component.to_owned(),
            raw: raw.to_owned(),
            based,
        }
    }

    fn pattern(&self) -> Result<RoutePattern, PatternFault> {
        match self.based.strip_suffix("/...") {
            Some(prefix) => RoutePattern::parse(&format!("{prefix}/*")),
            None => RoutePattern::parse(&self.based),
        }
    }
}

/// A route that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the route {route:?}")]
pub struct RouteError {
    route: String,
    #[source]
    fault: PatternFault,
}

impl RouteError {
    /// Checks a path as it is written in a manifest.
    pub(crate) fn check(raw: &str) -> Result<(), Self> {
        let route = Route::new("", raw);
        route.pattern().map(|_| ()).map_err(|fault| Self {
            route: raw.to_owned(),
            fault,
        })
    }

    pub(crate) fn hint(&self) -> String {
        "write a path such as /metrics, /targets/:name, or /health/... for everything below it".to_owned()
    }
}

/// A route that is never reached because another one takes its paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowedRoute {
    /// The route that is never reached.
    pub shadowed: Route,
    /// The route that takes its paths.
    pub effective: Route,
}

/// The routes of an application, in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct Router {
    routes: Vec<(RoutePattern, Route)>,
}

impl Router {
    /// Puts routes, each a component and a path as written in the manifest, in the order in which they are tried:
    /// what is written out goes before parameters, parameters before `/...`, longer before shorter.
    ///
    /// When a path is written twice the last one counts. That one is shadowed is no error on Spin, so the
    /// shadowed routes are given back for a warning.
    ///
    /// # Errors
    ///
    /// [`RouteError`] with the first path that cannot be read.
    pub fn build<'a>(
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Self, Vec<ShadowedRoute>), RouteError> {
        let mut effective: Vec<Route> = Vec::new();
        let mut shadowed = Vec::new();
        for (component, raw) in routes {
            let route = Route::new(component, raw);
            match effective.iter_mut().find(|known| known.raw == raw) {
                Some(known) => {
                    let replaced = std::mem::replace(known, route.clone());
                    shadowed.push(ShadowedRoute {
                        shadowed: replaced,
                        effective: route,
                    });
                }
                None => effective.push(route),
            }
        }
        let mut router = Self::default();
        for route in effective {
            shadowed.extend(router.insert(route)?);
        }
        Ok((router, shadowed))
    }

    fn insert(&mut self, route: Route) -> Result<Option<ShadowedRoute>, RouteError> {
        let pattern = route.pattern().map_err(|fault| RouteError {
            route: route.raw.clone(),
            fault,
        })?;
        let shadowing = self.routes.iter().find(|(known, _)| known.has_shape_of(&pattern));
        let shadowed = shadowing.map(|(_, known)| ShadowedRoute {
            shadowed: route.clone(),
            effective: known.clone(),
        });
        let place = self.routes.iter().position(|(known, _)| pattern.overtakes(known));
        self.routes
            .insert(place.unwrap_or(self.routes.len()), (pattern, route));
        Ok(shadowed)
    }

    /// The routes, in the order in which they are tried.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().map(|(_, route)| route)
    }

    /// The route that answers `path`, which has no query.
    #[must_use]
    pub fn find<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a>> {
        self.routes.iter().find_map(|(pattern, route)| {
            let captures = pattern.matches(path)?;
            Some(RouteMatch {
                route,
                trailing: captures.rest.map(|rest| trailing(rest, path)).unwrap_or_default(),
                parameters: captures.parameters,
            })
        })
    }
}

/// What `/...` stands for in `path`: with a slash before it, and one after it if the path ends in one.
fn trailing(rest: &str, path: &str) -> String {
    match (rest.is_empty(), path.ends_with('/')) {
        (true, false) => String::new(),
        (true, true) => "/".to_owned(),
        (false, false) => format!("/{rest}"),
        (false, true) => format!("/{rest}/"),
    }
}

/// A route that answers a path, and what the path put in its places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteMatch<'a> {
    route: &'a Route,
    parameters: Vec<(&'a str, &'a str)>,
    trailing: String,
}

impl<'a> RouteMatch<'a> {
    /// The route.
    #[must_use]
    pub fn route(&self) -> &'a Route {
        self.route
    }

    /// The id of the component that answers.
    #[must_use]
    pub fn component(&self) -> &'a str {
        &self.route.component
    }

    /// The path as written in the manifest, without `/...`.
    #[must_use]
    pub fn raw_prefix(&self) -> &'a str {
        self.route.raw.strip_suffix("/...").unwrap_or(&self.route.raw)
    }

    /// The parameters and their values, in the order of the path.
    #[must_use]
    pub fn parameters(&self) -> &[(&'a str, &'a str)] {
        &self.parameters
    }

    /// What `/...` stands for; empty for a route without it.
    #[must_use]
    pub fn trailing(&self) -> &str {
        &self.trailing
    }

    /// The headers by which Spin tells a component how it was reached, apart from the two that need the request:
    /// `spin-full-url` and `spin-client-addr`.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers: Vec<(String, String)> = [
            ("spin-path-info", self.trailing()),
            ("spin-matched-route", &self.route.based),
            // Spin always says "/" here, whatever the base of the application is.
            ("spin-base-path", "/"),
            ("spin-raw-component-route", &self.route.raw),
            ("spin-component-route", self.raw_prefix()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        headers.extend(self.parameters.iter().map(|(name, value)| {
            let name = name.to_ascii_lowercase().replace('_', "-");
            (format!("spin-path-match-{name}"), (*value).to_owned())
        }));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn router(routes: &[&str]) -> Router {
        Router::build(routes.iter().map(|raw| (*raw, *raw))).unwrap().0
    }

    /// Checks which of `routes` answers `path`, in whatever order they are written.
    #[track_caller]
    fn check(routes: &[&str], path: &str, expected: Option<&str>) {
        let mut reversed = routes.to_vec();
        reversed.reverse();
        for routes in [routes, &reversed] {
            let router = router(routes);
            let found = router.find(path).map(|found| found.component().to_owned());
            assert_eq!(found.as_deref(), expected, "{path:?} among {routes:?}");
        }
    }

    #[test]
    fn the_route_that_says_most_answers() {
        check(&[], "/", None);
        check(&["/"], "/", Some("/"));
        check(&["/"], "/a", None);
        check(&["/a", "/a/b"], "/a/b", Some("/a/b"));
        check(&["/a", "/..."], "/a", Some("/a"));
        check(&["/a", "/..."], "/a/", Some("/a"));
        check(&["/a", "/..."], "/b", Some("/..."));
        check(
            &["/a/...", "/a/b/...", "/a/b/c/..."],
            "/a/b/c/d",
            Some("/a/b/c/..."),
        );
        check(&["/a/...", "/a/:x"], "/a/b", Some("/a/:x"));
        check(&["/a/...", "/a/:x"], "/a/b/c", Some("/a/..."));
        check(&["/a/:x", "/a/b"], "/a/b", Some("/a/b"));
        check(&["/a/:x", "/a/b"], "/a/c", Some("/a/:x"));
        check(&["/:x/b", "/a/..."], "/a/b", Some("/a/..."));
        check(&["/health/...", "/metrics"], "/health/ready", Some("/health/..."));
    }

    #[test]
    fn a_route_begins_with_a_slash_that_may_be_left_out() {
        let router = router(&["a", "/b/..."]);
        assert_eq!(router.find("/a").unwrap().route().based, "/a");
        assert_eq!(router.find("/b/c").unwrap().trailing(), "/c");
        assert_eq!(router.find("/c"), None);
    }

    #[test]
    fn a_path_written_twice_is_answered_by_the_last() {
        let routes = [("first", "/a"), ("second", "/b"), ("third", "/a")];
        let (router, shadowed) = Router::build(routes).unwrap();
        assert_eq!(router.find("/a").unwrap().component(), "third");
        assert_eq!(shadowed.len(), 1);
        assert_eq!(shadowed[0].shadowed.component, "first");
        assert_eq!(shadowed[0].effective.component, "third");
    }

    #[test]
    fn a_path_of_the_same_shape_is_answered_by_the_first() {
        let (router, shadowed) = Router::build([("first", "/:a"), ("second", "/:b")]).unwrap();
        assert_eq!(router.find("/x").unwrap().component(), "first");
        assert_eq!(shadowed[0].shadowed.component, "second");
    }

    #[track_caller]
    fn check_trailing(route: &str, path: &str, expected: &str) {
        assert_eq!(
            router(&[route]).find(path).unwrap().trailing(),
            expected,
            "{route:?} on {path:?}"
        );
    }

    #[test]
    fn the_trailing_part_keeps_its_slashes() {
        check_trailing("/test/...", "/test", "");
        check_trailing("/test/...", "/test/", "/");
        check_trailing("/test/...", "/test/hello", "/hello");
        check_trailing("/test/...", "/test/hello/", "/hello/");
        check_trailing("/...", "/1/2/3", "/1/2/3");
        check_trailing("/test", "/test/", "");
    }

    #[test]
    fn headers_are_those_of_spin() {
        let router = router(&["/foo/:user_id/..."]);
        let mut headers = router.find("/foo/42/bar").unwrap().headers();
        headers.sort();
        let expected = [
            ("spin-base-path", "/"),
            ("spin-component-route", "/foo/:user_id"),
            ("spin-matched-route", "/foo/:user_id/..."),
            ("spin-path-info", "/bar"),
            ("spin-path-match-user-id", "42"),
            ("spin-raw-component-route", "/foo/:user_id/..."),
        ];
        assert_eq!(
            headers,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    fn route() -> impl Strategy<Value = String> {
        let section = prop::sample::select(vec!["a", "b", ":x", ":y", "a.b", ":x.b", ".a"]);
        let sections = prop::collection::vec(section, 0..4);
        (sections, any::<bool>()).prop_map(|(sections, open)| {
            let path = sections
                .iter()
                .map(|section| format!("/{section}"))
                .collect::<String>();
            if open || path.is_empty() {
                format!("{path}/...")
            } else {
                path
            }
        })
    }

    fn path() -> impl Strategy<Value = String> {
        let section = prop::sample::select(vec!["a", "b", "c", "a.b", ".a", ""]);
        prop::collection::vec(section, 0..5)
            .prop_map(|sections| sections.iter().map(|section| format!("/{section}")).collect())
    }

    proptest! {
        #[test]
        fn routes_are_tried_in_the_order_of_spin(
            routes in prop::collection::vec(route(), 0..8),
            paths in prop::collection::vec(path(), 1..8),
        ) {
            let (ours, _) = Router::build(routes.iter().map(|raw| (raw.as_str(), raw.as_str()))).unwrap();
            // Spin gives a path that is written twice the place of the first and the component of the last.
            let mut once: Vec<&String> = Vec::new();
            for route in &routes {
                if !once.contains(&route) {
                    once.push(route);
                }
            }
            let mut theirs = routefinder::Router::new();
            for route in once {
                theirs.add(route.replace("/...", "/*"), route.clone()).unwrap();
            }
            for path in &paths {
                let expected = theirs.best_match(path).map(|found| found.handler().clone());
                prop_assert_eq!(ours.find(path).map(|found| found.component().to_owned()), expected);
            }
        }
    }
}
