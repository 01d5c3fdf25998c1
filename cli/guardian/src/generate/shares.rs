//! How the burden of illness is spread over patients, and exact totals divided by it.

/// How unevenly patients use a health service: the sigma of a log-normal distribution. With 1.5 a hundredth of the
/// patients has 20 % of everything and a twentieth has 44 %; of health spending in the United States they had 21 % and
/// 50 % (Medical Expenditure Panel Survey, Statistical Brief 533).
const SKEW: f64 = 1.5;

/// The weight of each patient, given how ill they are: the sickest has the largest. Whatever the scores are, the
/// weights are the same quantiles of the log-normal distribution, so that every thousand patients are as uneven.
pub(crate) fn weights(scores: &[f64]) -> Vec<f64> {
    let mut ranked: Vec<usize> = (0..scores.len()).collect();
    ranked.sort_by(|&left, &right| scores[left].total_cmp(&scores[right]));
    let mut weights = vec![0.0; scores.len()];
    for (rank, &patient) in ranked.iter().enumerate() {
        let quantile = (rank as f64 + 0.5) / scores.len() as f64;
        weights[patient] = libm::exp(SKEW * normal_quantile(quantile));
    }
    weights
}

/// Divides `total` by weights, exactly, each part rounded up or down (the method of the largest remainder).
pub(crate) fn divide(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    if weights.is_empty() || sum <= 0.0 {
        return vec![0; weights.len()];
    }
    let exact: Vec<f64> = weights.iter().map(|weight| weight / sum * total as f64).collect();
    let mut parts: Vec<usize> = exact.iter().map(|part| part.floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by(|&left, &right| {
        let remainder = |index: usize| exact[index] - exact[index].floor();
        remainder(right)
            .total_cmp(&remainder(left))
            .then(left.cmp(&right))
    });
    let missing = total.saturating_sub(parts.iter().sum());
    for index in by_remainder.into_iter().cycle().take(missing) {
        parts[index] += 1;
    }
    parts
}

/// The value below which a share of a normal distribution lies. P. J. Acklam's rational approximation, right to nine
/// digits.
fn normal_quantile(share: f64) -> f64 {
    const CENTRE_ABOVE: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const CENTRE_BELOW: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const TAIL_ABOVE: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const TAIL_BELOW: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    const TAIL: f64 = 0.02425;
    let polynomial =
        |factors: &[f64], value: f64| factors.iter().fold(0.0, |sum, factor| sum * value + factor);
    let tail = |share: f64| {
        let value = (-2.0 * libm::log(share)).sqrt();
        polynomial(&TAIL_ABOVE, value) / polynomial(&TAIL_BELOW, value)
    };
    if share < TAIL {
        tail(share)
    } else if share > 1.0 - TAIL {
        -tail(1.0 - share)
    } else {
        let centred = share - 0.5;
        let square = centred * centred;
        centred * polynomial(&CENTRE_ABOVE, square) / polynomial(&CENTRE_BELOW, square)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (share, expected) in [
            (0.5, 0.0),
            (0.975, 1.959_963_985),
            (0.999, 3.090_232_306),
            (0.01, -2.326_347_874),
        ] {
            assert!((normal_quantile(share) - expected).abs() < 1e-7, "{share}");
        }
    }

    #[test]
    fn the_sickest_hundredth_has_a_fifth_of_everything() {
        let scores: Vec<f64> = (0..1_000).map(f64::from).collect();
        let weights = weights(&scores);
        let total: f64 = weights.iter().sum();
        let share = |count: usize| weights.iter().rev().take(count).sum::<f64>() / total;
        assert!((0.18..0.22).contains(&share(10)), "{}", share(10));
        assert!((0.42..0.46).contains(&share(50)), "{}", share(50));
        assert!(weights.is_sorted(), "the weights follow the scores");
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_near_what_is_due(
            total in 0_usize..100_000,
            weights in prop::collection::vec(0.001_f64..1_000.0, 1..200),
        ) {
            let parts = divide(total, &weights);
            prop_assert_eq!(parts.iter().sum::<usize>(), total);
            let sum: f64 = weights.iter().sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let due = weight / sum * total as f64;
                prop_assert!((*part as f64 - due).abs() <= 1.0 + 1e-6, "{} for {}", part, due);
            }
        }
    }

    #[test]
    fn nothing_is_divided_among_nobody() {
        assert!(divide(5, &[]).is_empty());
        assert_eq!(divide(5, &[0.0, 0.0]), [0, 0]);
    }
}
