// Azure's elder SDK for Go (autorest, as Debian carries it) against a served world: its own credential, its own
// waiting, nothing patched.
//
// packages: golang-go golang-github-azure-azure-sdk-for-go-dev golang-github-azure-go-autorest-dev
// when: named
// world: runbooks/worlds/two-circuits.yaml
//
//	network ENDPOINT CERTIFICATE SUBSCRIPTION CIRCUITS_SUBSCRIPTION     (SSL_CERT_FILE names the certificate)
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/services/network/mgmt/2022-07-01/network"
	"github.com/Azure/go-autorest/autorest"
	"github.com/Azure/go-autorest/autorest/adal"
	"github.com/Azure/go-autorest/autorest/azure"
	"github.com/Azure/go-autorest/autorest/to"
)

const group = "rg-network-sea"

var passed, failed int

func check(name string, work func() (bool, error)) {
	good, err := work()
	switch {
	case err != nil:
		failed++
		fmt.Printf("FAILED %s: %v\n", name, err)
	case !good:
		failed++
		fmt.Printf("FAILED %s: it is not so\n", name)
	default:
		passed++
	}
}

// The code with which Azure refused, however deep the client has wrapped it.
func code(err error) string {
	var service *azure.ServiceError
	if errors.As(err, &service) {
		return service.Code
	}
	var request *azure.RequestError
	if errors.As(err, &request) && request.ServiceError != nil {
		return request.ServiceError.Code
	}
	var detailed autorest.DetailedError
	if errors.As(err, &detailed) && detailed.Original != nil {
		return code(detailed.Original)
	}
	return ""
}

func refused(wanted string, err error) (bool, error) {
	if err == nil {
		return false, nil
	}
	if code(err) == wanted {
		return true, nil
	}
	return false, err
}

func text(value *string) string { return to.String(value) }

func main() {
	endpoint := strings.TrimSuffix(os.Args[1], "/")
	subscription, circuits := os.Args[3], os.Args[4]
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Minute)
	defer stop()

	entra, err := adal.NewOAuthConfig(endpoint, "simulated")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	token, err := adal.NewServicePrincipalToken(*entra, "conformance", "anything", endpoint+"/")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	credential := autorest.NewBearerAuthorizer(token)

	networks := network.NewVirtualNetworksClientWithBaseURI(endpoint, subscription)
	subnets := network.NewSubnetsClientWithBaseURI(endpoint, subscription)
	tables := network.NewRouteTablesClientWithBaseURI(endpoint, subscription)
	routes := network.NewRoutesClientWithBaseURI(endpoint, subscription)
	gateways := network.NewVirtualNetworkGatewaysClientWithBaseURI(endpoint, subscription)
	edges := network.NewExpressRouteCircuitsClientWithBaseURI(endpoint, circuits)
	authorizations := network.NewExpressRouteCircuitAuthorizationsClientWithBaseURI(endpoint, circuits)
	for _, client := range []*autorest.Client{
		&networks.Client, &subnets.Client, &tables.Client, &routes.Client, &gateways.Client, &edges.Client, &authorizations.Client,
	} {
		client.Authorizer = credential
		client.PollingDelay = time.Second
	}

	check("networks are listed", func() (bool, error) {
		found := 0
		page, err := networks.ListAllComplete(ctx)
		for ; err == nil && page.NotDone(); err = page.NextWithContext(ctx) {
			found++
		}
		return found == 6, err
	})
	check("a network is read whole", func() (bool, error) {
		found, err := networks.Get(ctx, group, "vnet-hub-sea", "")
		return err == nil && (*found.AddressSpace.AddressPrefixes)[0] == "10.10.10.0/24", err
	})
	check("circuits are listed", func() (bool, error) {
		page, err := edges.List(ctx, "rg-circuits")
		return len(page.Values()) == 2, err
	})
	check("what is not there is refused", func() (bool, error) {
		_, err := tables.Get(ctx, group, "nothing", "")
		return refused("ResourceNotFound", err)
	})
	check("a table is made", func() (bool, error) {
		going, err := tables.CreateOrUpdate(ctx, group, "rt-go", network.RouteTable{Location: to.StringPtr("southeastasia")})
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, tables.Client); err != nil {
			return false, err
		}
		made, err := going.Result(tables)
		return err == nil && made.ProvisioningState == network.ProvisioningStateSucceeded, err
	})
	check("a route is made", func() (bool, error) {
		going, err := routes.CreateOrUpdate(ctx, group, "rt-go", "all", network.Route{RoutePropertiesFormat: &network.RoutePropertiesFormat{
			AddressPrefix: to.StringPtr("10.0.0.0/8"), NextHopType: network.RouteNextHopTypeVirtualAppliance,
			NextHopIPAddress: to.StringPtr("10.10.10.10"),
		}})
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, routes.Client); err != nil {
			return false, err
		}
		made, err := going.Result(routes)
		return text(made.Name) == "all", err
	})
	var inside *string
	check("a subnet is made", func() (bool, error) {
		going, err := subnets.CreateOrUpdate(ctx, group, "vnet-hub-sea", "GatewaySubnet", network.Subnet{
			SubnetPropertiesFormat: &network.SubnetPropertiesFormat{AddressPrefix: to.StringPtr("10.10.10.128/25")},
		})
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, subnets.Client); err != nil {
			return false, err
		}
		made, err := going.Result(subnets)
		inside = made.ID
		return err == nil && made.ProvisioningState == network.ProvisioningStateSucceeded, err
	})
	check("an authorization has a key", func() (bool, error) {
		going, err := authorizations.CreateOrUpdate(ctx, "rg-circuits", "er-singapore", "auth-go", network.ExpressRouteCircuitAuthorization{})
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, authorizations.Client); err != nil {
			return false, err
		}
		made, err := going.Result(authorizations)
		return err == nil && made.AuthorizationPropertiesFormat != nil && text(made.AuthorizationKey) != "", err
	})
	check("a gateway is made", func() (bool, error) {
		going, err := gateways.CreateOrUpdate(ctx, group, "ergw-go", network.VirtualNetworkGateway{
			Location: to.StringPtr("southeastasia"),
			VirtualNetworkGatewayPropertiesFormat: &network.VirtualNetworkGatewayPropertiesFormat{
				GatewayType: network.VirtualNetworkGatewayTypeExpressRoute,
				Sku: &network.VirtualNetworkGatewaySku{
					Name: network.VirtualNetworkGatewaySkuNameErGw1AZ, Tier: network.VirtualNetworkGatewaySkuTierErGw1AZ,
				},
				IPConfigurations: &[]network.VirtualNetworkGatewayIPConfiguration{{
					Name: to.StringPtr("default"),
					VirtualNetworkGatewayIPConfigurationPropertiesFormat: &network.VirtualNetworkGatewayIPConfigurationPropertiesFormat{
						Subnet: &network.SubResource{ID: inside},
					},
				}},
			},
		})
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, gateways.Client); err != nil {
			return false, err
		}
		made, err := going.Result(gateways)
		return err == nil && made.ProvisioningState == network.ProvisioningStateSucceeded, err
	})
	check("what a gateway learns is asked", func() (bool, error) {
		going, err := gateways.GetLearnedRoutes(ctx, group, "ergw-go")
		if err != nil {
			return false, err
		}
		if err := going.WaitForCompletionRef(ctx, gateways.Client); err != nil {
			return false, err
		}
		_, err = going.Result(gateways)
		return err == nil, err
	})
	check("a subnet in use stays", func() (bool, error) {
		_, err := subnets.Delete(ctx, group, "vnet-hub-sea", "GatewaySubnet")
		return refused("InUseSubnetCannotBeDeleted", err)
	})
	check("a gateway is removed", func() (bool, error) {
		going, err := gateways.Delete(ctx, group, "ergw-go")
		if err != nil {
			return false, err
		}
		return true, going.WaitForCompletionRef(ctx, gateways.Client)
	})
	check("a table is removed", func() (bool, error) {
		going, err := tables.Delete(ctx, group, "rt-go")
		if err != nil {
			return false, err
		}
		return true, going.WaitForCompletionRef(ctx, tables.Client)
	})
	check("and is gone", func() (bool, error) {
		_, err := tables.Get(ctx, group, "rt-go", "")
		return refused("ResourceNotFound", err)
	})
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
