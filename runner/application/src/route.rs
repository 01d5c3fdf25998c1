//! Which component answers which path.

use crate::route_pattern::{PatternFault, RoutePattern};

/// A route and the component that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The id of the component.
    pub component: String,
    /// The path as written in the manifest, such as `/health/...`.
    pub raw: String,
    /// The path with the application's base before it and without a slash at its end; empty for `/`.
    pub based: String,
}

impl Route {
    fn new(base: &str, component: &str, raw: &str) -> Self {
        let slash = if raw.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{raw}");
        let base = base.strip_suffix('/').unwrap_or(base);
        let path = path.strip_suffix('/').unwrap_or(&path);
        Self {
            component: component.to_owned(),
            raw: raw.to_owned(),
            based: format!("{base}{path}"),
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
    pub(crate) fn check(base: &str, raw: &str) -> Result<(), Self> {
        let route = Route::new(base, "", raw);
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
        base: &str,
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(Self, Vec<ShadowedRoute>), RouteError> {
        let mut effective: Vec<Route> = Vec::new();
        let mut shadowed = Vec::new();
        for (component, raw) in routes {
            let route = Route::new(base, component, raw);
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
    parameters: Vec<(String, &'a str)>,
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
    pub fn parameters(&self) -> &[(String, &'a str)] {
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
