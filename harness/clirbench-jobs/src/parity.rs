//! Whether two encoders give the same vectors: a graph and the weights that it was made from.

use std::sync::atomic::AtomicBool;

use clirbench_search::{Rows, normalise};

use crate::{
    embeddings::{Embeddings, text_id},
    executor::{Event, execute},
    job::Failure,
    plan::{Setup, TextsPlan, texts_of_models},
};

/// The smallest cosine over `texts` between the first model of the setup's bench and the others.
///
/// # Errors
/// When a model cannot be opened or fails on a text.
pub fn parity(setup: &Setup, texts: &[&str], cancel: &AtomicBool) -> Result<f64, Failure> {
    let mut ignore = |_: Event| {};
    let mut models = Vec::new();
    for TextsPlan { opened, embed, .. } in texts_of_models(setup, [&[], texts], cancel, &mut ignore)? {
        let mut outcome = Ok(());
        execute(&embed, 1, &setup.executor, cancel, &mut |event| {
            if let Event::Finished { outcome: Err(failure), .. } = event {
                outcome = Err(failure);
            }
        });
        outcome?;
        models.push(vectors(&Embeddings::open(&setup.store, &opened.document_group)?, texts)?);
    }
    let Some((first, others)) = models.split_first() else { return Ok(1.0) };
    let cosine =
        |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
    let cosines = others.iter().flat_map(|other| first.iter().zip(other).map(cosine));
    Ok(cosines.fold(1.0, f64::min))
}

/// Unit vectors of the texts, in their order.
fn vectors(embeddings: &Embeddings, texts: &[&str]) -> Result<Vec<Vec<f32>>, Failure> {
    let rows = embeddings.rows(false);
    let vector = |text: &&str| {
        let missing = || Failure::new("a vector is not in the store", "run again");
        let row = embeddings.row(&text_id(text)).ok_or_else(missing)? as usize;
        let mut vector = vec![0.0; rows.dim()];
        rows.read(row..row + 1, &mut vector).map_err(|e| Failure::new(e.to_string(), ""))?;
        normalise(&mut vector);
        Ok(vector)
    };
    texts.iter().map(vector).collect()
}
