//! What documents say: sentences of a clinic, as long as documents are and with words as unevenly frequent as words are.

use super::random::Random;

/// What a document is about, for the blanks in its sentences.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'document> {
    pub(crate) about: &'document str,
    pub(crate) specialty: &'document str,
    pub(crate) medication: &'document str,
    pub(crate) age: i64,
    pub(crate) sex: &'document str,
}

/// A text of at least so many characters, in paragraphs.
pub(crate) fn body(random: &mut Random, kind: &str, subject: Subject<'_>, characters: usize) -> String {
    let mut text = String::with_capacity(characters + 200);
    let opening = match kind {
        "laboratory_report" => {
            "Results of the laboratory for the samples that were taken. Indication: {about}."
        }
        "imaging_report" => "Report of the imaging of the {site}. Indication: {about}.",
        "discharge_summary" => {
            "The patient, a {sex} of {age} years, was treated for {about} and is discharged."
        }
        "referral" => "Thank you for seeing this {sex} of {age} years with {about}.",
        "prescription" => "To be dispensed: {medication}. Diagnosis: {about}.",
        "consent" => "The patient was told of the benefits and risks of the procedure and agrees to it.",
        "insurance" => "Confirmation of cover for the treatment of {about}.",
        _ => "Report from {specialty} on a {sex} of {age} years with {about}.",
    };
    fill(random, opening, subject, &mut text);
    let mut sentences = 1;
    while text.len() < characters {
        text.push_str(if sentences % 6 == 0 { "\n\n" } else { " " });
        let sentence = frequent(random, &SENTENCES);
        fill(random, sentence, subject, &mut text);
        sentences += 1;
    }
    // A word that no other document has, as letters have a reference.
    text.push_str(&format!("\n\nReference {:08x}.", random.number() as u32));
    text
}

/// One of some things, the first ones most often, as words are frequent.
fn frequent<'words>(random: &mut Random, words: &[&'words str]) -> &'words str {
    let share = random.unit();
    let index = (share * share * words.len() as f64) as usize;
    words[index.min(words.len() - 1)]
}

/// Writes a sentence with its blanks filled, beginning with a capital letter.
fn fill(random: &mut Random, sentence: &str, subject: Subject<'_>, text: &mut String) {
    let start = text.len();
    let mut rest = sentence;
    while let Some((plain, more)) = rest.split_once('{') {
        text.push_str(plain);
        let (blank, after) = more.split_once('}').unwrap_or((more, ""));
        match blank {
            "about" => text.push_str(&subject.about.to_lowercase()),
            "specialty" => text.push_str(subject.specialty),
            "medication" => text.push_str(subject.medication),
            "sex" => text.push_str(subject.sex),
            "age" => text.push_str(&subject.age.to_string()),
            "number" => text.push_str(&random.between(2, 28).to_string()),
            "symptom" => text.push_str(frequent(random, &SYMPTOMS)),
            "finding" => text.push_str(frequent(random, &FINDINGS)),
            "site" => text.push_str(frequent(random, &SITES)),
            _ => text.push_str(frequent(random, &MEASURES)),
        }
        rest = after;
    }
    text.push_str(rest);
    if let Some(first) = text.get_mut(start..=start) {
        first.make_ascii_uppercase();
    }
}

const SENTENCES: [&str; 32] = [
    "The patient reports {symptom} for {number} days.",
    "On examination there was {finding} of the {site}.",
    "We recommend {measure} and a control in {number} days.",
    "{medication} was continued without a change of dose.",
    "There is no {symptom} at present.",
    "The {site} is unremarkable.",
    "In view of {about} we advise {measure}.",
    "Compared with the previous report the {finding} of the {site} is unchanged.",
    "The patient denies {symptom} and {symptom}.",
    "Please arrange {measure} within {number} days.",
    "{about} is well controlled.",
    "Blood pressure was taken on both arms while sitting.",
    "Side effects of {medication} were discussed.",
    "There is {finding} of the {site}, most likely without consequence.",
    "The family history is not known.",
    "We saw the patient in the department of {specialty}.",
    "Since the last visit the {symptom} has become less frequent.",
    "An appointment for {measure} has been made.",
    "Results of the laboratory are enclosed.",
    "The patient does not smoke and drinks little alcohol.",
    "If {symptom} comes back, the patient should be seen again at once.",
    "Imaging of the {site} showed {finding}.",
    "The dose of {medication} was reduced because of {symptom}.",
    "Sleep and appetite are good.",
    "The patient lives independently and needs no help at home.",
    "Allergies were asked for and are documented in the record.",
    "A second opinion from {specialty} was requested.",
    "{measure} was not tolerated and has been stopped.",
    "The findings were explained to the patient and to the relatives.",
    "Weight has gone up by {number} hundred grams.",
    "There was {finding} at the margin of the {site} that needs no treatment.",
    "The patient travelled {number} weeks ago and was vaccinated before.",
];

const SYMPTOMS: [&str; 30] = [
    "pain",
    "fatigue",
    "cough",
    "headache",
    "fever",
    "shortness of breath",
    "dizziness",
    "nausea",
    "joint stiffness",
    "back pain",
    "palpitations",
    "itching",
    "swelling of the ankles",
    "insomnia",
    "loss of appetite",
    "heartburn",
    "wheezing",
    "sore throat",
    "numbness",
    "blurred vision",
    "night sweats",
    "tremor",
    "constipation",
    "weight loss",
    "hoarseness",
    "muscle cramps",
    "tinnitus",
    "vertigo",
    "haematuria",
    "syncope",
];

const FINDINGS: [&str; 26] = [
    "no abnormality",
    "mild tenderness",
    "slight swelling",
    "a normal range of motion",
    "mild degeneration",
    "redness",
    "a small cyst",
    "reduced sensation",
    "mild effusion",
    "a soft murmur",
    "crackles",
    "mild thickening",
    "calcification",
    "a benign naevus",
    "narrowing",
    "mild hypertrophy",
    "an old scar",
    "atrophy",
    "a small hernia",
    "opacity",
    "diverticula",
    "a polyp",
    "stenosis",
    "mild oedema",
    "a nodule",
    "sclerosis",
];

const SITES: [&str; 26] = [
    "chest",
    "abdomen",
    "knee",
    "lung",
    "heart",
    "lumbar spine",
    "skin",
    "shoulder",
    "hip",
    "liver",
    "kidney",
    "thyroid",
    "neck",
    "ankle",
    "hand",
    "eye",
    "ear",
    "throat",
    "gallbladder",
    "colon",
    "stomach",
    "aorta",
    "carotid artery",
    "prostate",
    "spleen",
    "pancreas",
];

const MEASURES: [&str; 24] = [
    "rest",
    "physiotherapy",
    "a blood test",
    "more exercise",
    "a change of diet",
    "an ultrasound",
    "a radiograph",
    "a cardiogram",
    "less salt",
    "a vaccination",
    "compression stockings",
    "weight reduction",
    "an endoscopy",
    "inhalation",
    "a sleep study",
    "respiratory training",
    "psychotherapy",
    "a stress test",
    "magnetic resonance imaging",
    "spirometry",
    "an allergy test",
    "occupational therapy",
    "a biopsy",
    "rehabilitation",
];

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    const SUBJECT: Subject<'_> = Subject {
        about: "Asthma",
        specialty: "pulmonology",
        medication: "salbutamol",
        age: 41,
        sex: "woman",
    };

    #[test]
    fn a_text_is_as_long_as_wanted_and_has_no_blanks_left() {
        let mut random = Random::new(5, 1, Purpose::Histories);
        for kind in [
            "laboratory_report",
            "imaging_report",
            "discharge_summary",
            "referral",
            "prescription",
            "letter",
        ] {
            for characters in [10, 500, 20_000] {
                let text = body(&mut random, kind, SUBJECT, characters);
                assert!(
                    text.len() >= characters && text.len() < characters + 250,
                    "{}",
                    text.len()
                );
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(text.to_lowercase().contains("asthma"), "{text}");
            }
        }
    }

    #[test]
    fn some_words_are_far_more_frequent_than_others() {
        let mut random = Random::new(5, 1, Purpose::Histories);
        let text = body(&mut random, "letter", SUBJECT, 400_000);
        let count = |word| text.matches(word).count();
        assert!(count("pain") > 5 * count("syncope") && count("syncope") > 0);
    }
}
