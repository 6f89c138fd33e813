//! The promise: kill the driver before or after any object that it makes in a shared store, or any request: another
//! host goes on, the world ends the same, and nothing was written twice.
#![expect(clippy::unwrap_used, reason = "a test that cannot look fails")]

use std::sync::{Arc, Mutex};

use backroad::engine::{Clock, Ending, RunMode};
use backroad::model::{RunOutcome, Timestamp};
use backroad::sim::{VirtualClock, World};
use backroad::store::shared::SharedStore;
use object_store::path::Path;

use crate::support::Stage;
use crate::support::bench::{Bench, Watched, run};
use crate::support::moody::{Line, Sky, Weather};

/// What a crash leaves.
struct Left {
    points: u32,
    sky: Arc<Sky>,
    objects: usize,
    world: World,
    now: Timestamp,
}

fn store(sky: &Arc<Sky>, number: u64) -> SharedStore {
    SharedStore::new("memory", Arc::new(Line::new(sky, number)), Path::from("team"))
}

/// How many objects there are: each step of a journal makes one more.
fn count(sky: &Sky) -> usize {
    use futures::{FutureExt as _, StreamExt as _};
    use object_store::ObjectStore as _;
    // In memory nothing is waited for.
    sky.objects().list(None).count().now_or_never().unwrap()
}

async fn drive(bench: &Bench, sky: &Arc<Sky>, now: Timestamp, watched: &Watched) -> RunOutcome {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(now));
    drive_by(bench, sky, &clock, watched).await
}

async fn drive_by(
    bench: &Bench,
    sky: &Arc<Sky>,
    clock: &Arc<dyn Clock>,
    watched: &Watched,
) -> RunOutcome {
    let held = store(sky, 1).hold(&run(), "a host".to_owned(), Arc::clone(clock)).await.unwrap();
    let lease = held.journal.lease();
    match bench.drive((Arc::new(held.journal), lease), clock, watched).await.unwrap() {
        Ending::Ended(outcome) => outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_crash_around_any_object_or_request_leads_to_the_same_world() {
    let stage = Stage::of("dr-circuit.yaml", "drill").await;
    let began = stage.now;
    let bench = |world: World| Bench {
        plan: stage.plan.clone(),
        world: Arc::new(Mutex::new(world)),
        mode: RunMode::Drill,
    };
    let reference = bench(stage.world.clone());
    let sky = Sky::new(1, Weather::AT_ONCE);
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(began));
    let kept: Arc<Mutex<Vec<Left>>> = Arc::default();
    let keep = {
        let (kept, sky) = (Arc::clone(&kept), Arc::downgrade(&sky));
        let (world, clock) = (Arc::clone(&reference.world), Arc::clone(&clock));
        move || {
            let Some(sky) = sky.upgrade() else { return };
            let (now, objects) = (clock.now(), count(&sky));
            let world = world.lock().unwrap().clone();
            let mut kept = kept.lock().unwrap();
            match kept.last_mut() {
                Some(last) if last.objects == objects && last.now == now && last.world == world => {
                    last.points += 1;
                }
                _ => {
                    let sky = sky.fork(Weather::AT_ONCE);
                    kept.push(Left { points: 1, sky, objects, world, now });
                }
            }
        }
    };
    *sky.on_put.lock().unwrap() = Some(Box::new(keep.clone()));
    let mut watched = Watched::new(Some(store(&sky, 2)));
    let at_send = keep.clone();
    watched.at_send = Arc::new(move |_| {
        at_send();
        Box::pin(std::future::ready(()))
    });
    let outcome = drive_by(&reference, &sky, &clock, &watched).await;
    *sky.on_put.lock().unwrap() = None;
    assert_eq!(outcome, RunOutcome::Succeeded);
    assert_eq!(*watched.wrong.lock().unwrap(), Vec::<String>::new());
    let (expected, writes) = (reference.comparable(), reference.accepted().unwrap());
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    let (points, states) = (kept.iter().map(|left| left.points).sum::<u32>(), kept.len());
    let mut wrong = Vec::new();
    for (number, left) in kept.into_iter().enumerate() {
        let again = bench(left.world);
        let watched = Watched::new(Some(store(&left.sky, 2)));
        let outcome = drive(&again, &left.sky, left.now, &watched).await;
        let said = std::mem::take(&mut *watched.wrong.lock().unwrap());
        let about = format!("state {number} ({} objects)", left.objects);
        wrong.extend(said.into_iter().map(|why| format!("{about}: {why}")));
        if outcome != RunOutcome::Succeeded {
            wrong.push(format!("{about}: the run ended {outcome}"));
        } else if again.comparable() != expected {
            wrong.push(format!("{about}: the world differs"));
        }
        match again.accepted() {
            Ok(accepted) if accepted == writes => {}
            other => wrong.push(format!("{about}: {other:?} writes, not {writes}")),
        }
    }
    println!("shared crashes: {points} points, {states} distinct states, {writes} writes");
    assert!(wrong.is_empty(), "{} of {states}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(states > 100, "{states} states are too few");
}
