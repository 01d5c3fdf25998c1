//! The geometry of the charts in the report: where lines, marks and labels stand. The template draws them.

use std::fmt::Write;

use serde::Serialize;

/// The drawing area of a chart over time, in the units of its SVG.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 180.0;
/// How many lines across a chart has, about.
const TICKS: f64 = 4.0;

/// A chart of values over time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct TimeChart {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) lines: Vec<Line>,
    pub(crate) across: Vec<Tick>,
    pub(crate) along: Vec<Tick>,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// The `points` of an SVG polyline.
    pub(crate) points: String,
}

/// A label on an axis, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) label: String,
}

/// Draws named lines over the same seconds. Each line has a value for each second.
pub(crate) fn over_time(seconds: &[u64], lines: &[(&'static str, Vec<f64>)]) -> TimeChart {
    let highest = lines
        .iter()
        .flat_map(|(_, values)| values)
        .fold(0.0_f64, |highest, value| highest.max(*value));
    let step = step(highest);
    let top = (highest / step).ceil().max(1.0) * step;
    let last = seconds.last().copied().unwrap_or_default().max(1) as f64;
    let x = |second: u64| second as f64 / last * WIDTH;
    let y = |value: f64| HEIGHT - value / top * HEIGHT;
    let lines = lines
        .iter()
        .map(|(name, values)| Line {
            name,
            points: points(
                seconds
                    .iter()
                    .map(|second| x(*second))
                    .zip(values.iter().map(|value| y(*value))),
            ),
        })
        .collect();
    let count = (top / step).round() as u32;
    let across = (0..=count).map(|number| {
        let value = f64::from(number) * step;
        Tick {
            at: y(value),
            label: short(value),
        }
    });
    let stride = step_of_seconds(last);
    let along = (0..=(last as u64 / stride)).map(|number| {
        let second = number * stride;
        Tick {
            at: x(second),
            label: format!("{second} s"),
        }
    });
    TimeChart {
        width: WIDTH,
        height: HEIGHT,
        lines,
        across: across.collect(),
        along: along.collect(),
    }
}

/// Where milliseconds stand on an axis of a given width on which every power of ten is equally long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Logarithmic {
    lowest: f64,
    decades: f64,
    width: f64,
}

impl Logarithmic {
    /// An axis from the power of ten below the least value to the one above the greatest.
    pub(crate) fn over(values: impl Iterator<Item = f64>, width: f64) -> Self {
        let (least, greatest) = values
            .filter(|value| *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            });
        let (least, greatest) = if greatest > 0.0 {
            (least, greatest)
        } else {
            (1.0, 10.0)
        };
        let lowest = least.log10().floor();
        let decades = (greatest.log10().ceil() - lowest).max(1.0);
        Self {
            lowest,
            decades,
            width,
        }
    }

    /// Where a value stands; what is less than the lowest stands at the beginning.
    pub(crate) fn at(&self, value: f64) -> f64 {
        if value <= 0.0 {
            return 0.0;
        }
        ((value.log10() - self.lowest) / self.decades).clamp(0.0, 1.0) * self.width
    }

    /// The powers of ten.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        (0..=self.decades as i32)
            .map(|number| {
                let value = 10_f64.powf(self.lowest + f64::from(number));
                Tick {
                    at: self.at(value),
                    label: format!("{} ms", short(value)),
                }
            })
            .collect()
    }
}

fn points(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (x, y) in points {
        // Writing into a text cannot fail.
        let _ = write!(text, "{x:.1},{y:.1} ");
    }
    text.truncate(text.trim_end().len());
    text
}

/// A round distance between two lines across: 1, 2 or 5 times a power of ten.
fn step(highest: f64) -> f64 {
    if highest <= 0.0 {
        return 1.0;
    }
    let rough = highest / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|round| round * power >= rough * 0.999_999);
    round.unwrap_or(10.0) * power
}

/// A round number of seconds between two labels along.
fn step_of_seconds(last: f64) -> u64 {
    const ROUND: [u64; 10] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600];
    ROUND
        .into_iter()
        .find(|stride| last / *stride as f64 <= 12.0)
        .unwrap_or(3_600)
}

/// A number without needless digits.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_fill_the_chart_from_the_bottom_to_a_round_number() {
        let chart = over_time(
            &[0, 1, 2],
            &[("p50", vec![0.0, 10.0, 20.0]), ("p99", vec![0.0, 37.0, 20.0])],
        );
        assert_eq!(chart.lines[1].points, "0.0,180.0 430.0,13.5 860.0,90.0");
        let labels: Vec<&str> = chart.across.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0", "10", "20", "30", "40"]);
        let labels: Vec<&str> = chart.along.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0 s", "1 s", "2 s"]);
    }

    #[test]
    fn a_chart_of_nothing_can_be_drawn() {
        let chart = over_time(&[0], &[("p50", vec![0.0])]);
        assert_eq!(chart.lines[0].points, "0.0,180.0");
        assert_eq!(over_time(&[], &[]).lines, []);
    }

    #[test]
    fn every_power_of_ten_is_equally_long() {
        let axis = Logarithmic::over([0.4, 250.0, 0.0].into_iter(), 400.0);
        let ticks = axis.ticks();
        let labels: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0.1 ms", "1 ms", "10 ms", "100 ms", "1000 ms"]);
        assert!((ticks[3].at - 300.0).abs() < 1e-6);
        assert_eq!(axis.at(0.0), 0.0);
        assert_eq!(Logarithmic::over(std::iter::empty(), 100.0).ticks().len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside_the_chart(values in prop::collection::vec(0.0..1e9f64, 1..50)) {
            let seconds: Vec<u64> = (0..values.len() as u64).collect();
            let chart = over_time(&seconds, &[("p99", values.clone())]);
            for pair in chart.lines[0].points.split(' ') {
                let (x, y) = pair.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                prop_assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{pair}");
            }
            prop_assert!((2..=12).contains(&chart.across.len()), "{:?}", chart.across);
            let axis = Logarithmic::over(values.iter().copied(), 500.0);
            for value in values {
                prop_assert!((0.0..=500.0).contains(&axis.at(value)));
            }
        }
    }
}
