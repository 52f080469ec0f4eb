using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Quota;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Machinery.Tests.Quota;

/// <summary>What claims cost by the three names of the same devices: <c>gpu</c>, a class that stands for <c>x.io/gpu</c>, and <c>nic</c>, that stands for nothing.</summary>
public sealed class DeviceChargesTests
{
    const string Implicit = DeviceCharges.ImplicitResource;

    static Map<Quantity> Amounts(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => p.Split('=')).Select(p => KeyValuePair.Create(p[0].Replace("~", Implicit, StringComparison.Ordinal), Quantity.Parse(p[1]))).ToMap();

    /// <summary>Containers, init containers (<c>i:</c>) and those that stay (<c>s:</c>), and what they ask for.</summary>
    static Pod Asking(string said)
    {
        List<Container> init = [], main = [];
        foreach (string one in said.Split(';', StringSplitOptions.TrimEntries))
            (one[1] == ':' ? init : main).Add(new() { Name = "c" + (init.Count + main.Count), RestartPolicy = one[0] == 's' && one[1] == ':' ? "Always" : null, Resources = new() { Requests = Amounts(one[1] == ':' ? one[2..] : one) } });
        return new() { Metadata = new() { Name = "p", Namespace = "ns", Uid = "uid" }, Spec = new() { InitContainers = [.. init], Containers = [.. main] } };
    }

    static ResourceClaim Claim(string requests, bool made) => new()
    {
        Metadata = new()
        {
            Name = "c", Namespace = "ns", Annotations = made ? Map.Of((DeviceCharges.MadeForPod, "true")) : default,
            OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "p", Uid = "uid", Controller = true }],
        },
        Spec = new()
        {
            Devices = new()
            {
                Requests = [.. requests.Split(' ').Select((r, i) => new DeviceRequest
                {
                    Name = "r" + i,
                    Exactly = r.Contains('|') ? null : new() { DeviceClassName = r.Split('=')[0], AllocationMode = r.EndsWith('*') ? "All" : "ExactCount", Count = r.EndsWith('*') ? 0 : long.Parse(r.Split('=')[1]) },
                    FirstAvailable = !r.Contains('|') ? [] : [.. r.Split('|').Select((s, j) => new DeviceSubRequest { Name = "s" + j, DeviceClassName = s.Split('=')[0], AllocationMode = "ExactCount", Count = long.Parse(s.Split('=')[1]) })],
                })],
            },
        },
    };

    static DeviceCharges Of(Pod? pod) => new(name => name == "gpu" ? "x.io/gpu" : null, _ => pod);

    static string Listed(Map<Quantity> cost) => string.Join(' ', cost.Where(c => !c.Value.IsZero).Select(c => $"{c.Key.Replace("requests." + Implicit, "~", StringComparison.Ordinal).Replace(".deviceclass.resource.k8s.io/devices", "", StringComparison.Ordinal).Replace("requests.", "", StringComparison.Ordinal)}={c.Value}").Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("gpu=2", "gpu=2 x.io/gpu=2 ~gpu=2")]
    [InlineData("nic=2 gpu=1 gpu=1", "gpu=2 nic=2 x.io/gpu=2 ~gpu=2 ~nic=2")]
    [InlineData("gpu=*", "gpu=32 x.io/gpu=32 ~gpu=32")]
    [InlineData("gpu=1|gpu=3|nic=2", "gpu=3 nic=2 x.io/gpu=3 ~gpu=3 ~nic=2")]
    public void A_claim_costs_under_every_name_of_its_devices(string requests, string cost) => Assert.Equal(cost, Listed(Of(null).Of(Claim(requests, made: false))));

    [Theory]
    [InlineData("x.io/gpu=2", "gpu=2", "gpu=2 ~gpu=2")]
    [InlineData("~gpu=2", "gpu=2", "gpu=2 x.io/gpu=2")]
    [InlineData("x.io/gpu=2 ~gpu=1", "gpu=2 gpu=1", "gpu=3 x.io/gpu=1 ~gpu=2")]
    [InlineData("x.io/gpu=1; x.io/gpu=2", "gpu=1 gpu=2", "gpu=3 ~gpu=3")]
    [InlineData("s:~nic=1; ~nic=2", "nic=1 nic=2", "nic=3")]
    // What init containers need beyond the others is one request.
    [InlineData("i:x.io/gpu=5; x.io/gpu=2", "gpu=2 gpu=3", "gpu=5 ~gpu=5")]
    [InlineData("i:x.io/gpu=5; x.io/gpu=2", "gpu=2 gpu=4", "gpu=6 x.io/gpu=4 ~gpu=6")]
    public void A_claim_made_for_resources_costs_what_its_Pod_does_not(string pod, string requests, string cost) => Assert.Equal(cost, Listed(Of(Asking(pod)).Of(Claim(requests, made: true))));

    [Theory]
    [InlineData("uid", "c", true, "gpu=2 ~gpu=2")]
    [InlineData("uid", "", true, "gpu=2 ~gpu=2")]
    [InlineData("uid", "other", true, "gpu=2 x.io/gpu=2 ~gpu=2")]
    [InlineData("another", "", true, "gpu=2 x.io/gpu=2 ~gpu=2")]
    [InlineData("uid", "c", false, "gpu=2 x.io/gpu=2 ~gpu=2")]
    public void A_claim_that_only_says_so_costs_all_of_it(string uid, string named, bool made, string cost)
    {
        var pod = Asking("x.io/gpu=2") is var p ? p with { Metadata = p.Metadata with { Uid = uid }, Status = new() { ExtendedResourceClaimStatus = named.Length == 0 ? null : new() { ResourceClaimName = named } } } : null!;
        Assert.Equal(cost, Listed(Of(pod).Of(Claim("gpu=2", made))));
    }

    [Theory]
    [InlineData("pods", "requests.x.io/gpu", true)]
    [InlineData("pods", "requests.~gpu", true)]
    [InlineData("pods", "gpu.deviceclass.resource.k8s.io/devices", false)]
    [InlineData("resourceclaims.resource.k8s.io", "requests.x.io/gpu", true)]
    [InlineData("resourceclaims.resource.k8s.io", "requests.~gpu", true)]
    [InlineData("resourceclaims.resource.k8s.io", "gpu.deviceclass.resource.k8s.io/devices", true)]
    [InlineData("resourceclaims.resource.k8s.io", "requests.cpu", false)]
    [InlineData("services", "requests.x.io/gpu", false)]
    public void A_name_limits_whom_it_concerns(string resource, string name, bool concerns) =>
        Assert.Equal(concerns, Charges.Concerns(resource.Split('.', 2) is [var plural, var group] ? new(group, plural) : new("", resource), name.Replace("~", Implicit, StringComparison.Ordinal)));
}
