//! What does an action hold, and is it read back as it was?

use super::*;

/// Thirty spokes of one hub that are taken off it wait for each other; else each runs into the lock that Azure
/// holds on the hub for another, until its attempts are used up.
#[test]
fn a_peering_that_is_removed_holds_both_its_networks() {
    let id = |text: &str| {
        ResourceId::parse(&format!("/subscriptions/s/resourceGroups/g/providers/{text}")).unwrap()
    };
    let hub = id("Microsoft.Network/virtualNetworks/hub");
    let spoke = id("Microsoft.Network/virtualNetworks/spoke");
    let side = id("Microsoft.Network/virtualNetworks/spoke/virtualNetworkPeerings/to-hub");
    let removal = Action::Remove(Removal {
        kind: RemovalKind::Peering,
        id: side.clone(),
        authorization: None,
        gateway: None,
        remote: Some(hub.clone()),
    });
    let held: Vec<ResourceId> = removal.holds().into_iter().map(|hold| hold.resource).collect();
    assert_eq!(held, [side, spoke, hub]);
}

#[test]
fn actions_read_back_from_their_stored_form() {
    let gateway = ResourceId::parse(
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworkGateways/gw",
    )
    .unwrap();
    let actions = [
        Action::Verify(Verification::Bgp { gateway: gateway.clone(), peers_min: 2 }),
        Action::General(General::Wait { duration: Duration::from_secs(60) }),
        Action::Remove(Removal {
            kind: RemovalKind::Gateway,
            id: gateway.clone(),
            authorization: None,
            gateway: None,
            remote: None,
        }),
        Action::PublicIp(PublicIp {
            id: gateway.sibling("Microsoft.Network/publicIPAddresses", "pip").unwrap(),
            location: crate::model::Region::parse("southeastasia").unwrap(),
            zones: vec!["1".to_owned()],
            tags: Tags::new(),
        }),
    ];
    for action in actions {
        let text = serde_json::to_string(&action).unwrap();
        let tag = action.name().rsplit('.').next().unwrap();
        assert!(text.contains(tag), "{text}");
        assert_eq!(serde_json::from_str::<Action>(&text).unwrap(), action);
    }
}
