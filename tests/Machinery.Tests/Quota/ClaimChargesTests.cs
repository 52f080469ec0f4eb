using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Machinery.Quota;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Machinery.Tests.Quota;

/// <summary>What claims to devices cost by all names of a class: <c>gpu</c>, which can be asked for as <c>example.com/gpu</c>, and <c>tpu</c>.</summary>
public sealed class ClaimChargesTests
{
    const string Gpu = "gpu.deviceclass.resource.k8s.io/devices", Implicit = "requests.deviceclass.resource.kubernetes.io/gpu", Explicit = "requests.example.com/gpu";
    static readonly GroupResource s_claims = new("resource.k8s.io", "resourceclaims");

    sealed record Names(Pod? Owner) : IDeviceNames
    {
        public string? ResourceOf(string deviceClass) => deviceClass == "gpu" ? "example.com/gpu" : null;
        public Pod? Pod(string ns, string name) => Owner?.Metadata.Name == name ? Owner : null;
    }

    static string Cost(ResourceClaim claim, Pod? owner = null) =>
        Charges.Of(s_claims, claim, DateTimeOffset.UnixEpoch, new Names(owner)).Only(n => !n.StartsWith("count/", StringComparison.Ordinal)).Listed;

    static ResourceClaim Claim(params DeviceRequest[] requests) => new() { Metadata = new() { Name = "c", Namespace = "x" }, Spec = new() { Devices = new() { Requests = requests } } };

    static DeviceRequest Exactly(long count = 1, string @class = "gpu", string mode = "ExactCount") => new() { Exactly = new() { DeviceClassName = @class, AllocationMode = mode, Count = count } };

    static DeviceSubRequest Either(long count, string @class = "gpu", string mode = "ExactCount") => new() { DeviceClassName = @class, AllocationMode = mode, Count = count };

    [Fact]
    public void A_class_costs_by_its_own_name_and_by_those_of_resources()
    {
        Assert.Equal($"{Gpu}=5,{Implicit}=5,{Explicit}=5", Cost(Claim(Exactly(2), Exactly(3))));
        Assert.Equal("requests.deviceclass.resource.kubernetes.io/tpu=32,tpu.deviceclass.resource.k8s.io/devices=32", Cost(Claim(Exactly(@class: "tpu", mode: "All"))));
        Assert.Equal($"{Gpu}=2,{Implicit}=2,requests.deviceclass.resource.kubernetes.io/tpu=32,{Explicit}=2,tpu.deviceclass.resource.k8s.io/devices=32",
            Cost(Claim(new DeviceRequest { FirstAvailable = [Either(1), Either(2), Either(0, "tpu", "All")] })));
    }

    static Container Asking(string name, string restart, params (string Resource, long Count)[] asks) => new()
    {
        Name = name, RestartPolicy = restart, Resources = new() { Requests = asks.Select(a => KeyValuePair.Create(a.Resource, new Quantity(a.Count))).ToMap() },
    };

    static Pod Owner(Container[] containers, params Container[] first) => new()
    {
        Metadata = new() { Name = "p", Namespace = "x", Uid = "u" }, Spec = new() { Containers = containers, InitContainers = first },
        Status = new() { ExtendedResourceClaimStatus = new() { ResourceClaimName = "c" } },
    };

    static ResourceClaim For(Pod pod, params DeviceRequest[] requests) => Claim(requests) is var claim ? claim with
    {
        Metadata = claim.Metadata with
        {
            Annotations = Map.Of(("resource.kubernetes.io/extended-resource-claim", "true")),
            OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "p", Uid = pod.Metadata.Uid, Controller = true }],
        },
    } : null!;

    const string ByClass = "deviceclass.resource.kubernetes.io/gpu", ByName = "example.com/gpu";

    [Fact]
    public void What_its_Pod_pays_for_a_claim_does_not_cost_once_more()
    {
        var byClass = Owner([Asking("c", "", (ByClass, 1))]);
        Assert.Equal($"{Gpu}=1,{Explicit}=1", Cost(For(byClass, Exactly()), byClass));
        var byName = Owner([Asking("c", "", (ByName, 1))]);
        Assert.Equal($"{Gpu}=1,{Implicit}=1", Cost(For(byName, Exactly()), byName));
        var both = Owner([Asking("c", "", (ByClass, 1), (ByName, 1))], Asking("i", "", (ByClass, 1), (ByName, 1)));
        Assert.Equal($"{Gpu}=2,{Implicit}=1,{Explicit}=1", Cost(For(both, Exactly(), Exactly()), both));
        // An init container that needs more than what stays costs one request for the rest; one that stays costs as a container does.
        var first = Owner([Asking("c", "", (ByName, 1))], Asking("i", "", (ByName, 3)));
        Assert.Equal($"{Gpu}=3,{Implicit}=3", Cost(For(first, Exactly(1), Exactly(2)), first));
        var stays = Owner([Asking("c", "", (ByName, 1))], Asking("s", "Always", (ByName, 2)));
        Assert.Equal($"{Gpu}=3,{Implicit}=3", Cost(For(stays, Exactly(1), Exactly(2)), stays));
    }

    [Fact]
    public void A_claim_that_only_says_to_be_a_Pods_costs_all()
    {
        var pod = Owner([Asking("c", "", (ByName, 1))]);
        string all = $"{Gpu}=1,{Implicit}=1,{Explicit}=1";
        Assert.Equal(all, Cost(For(pod, Exactly()), null));
        Assert.Equal(all, Cost(For(pod, Exactly()), pod with { Metadata = pod.Metadata with { Uid = "another" } }));
        Assert.Equal(all, Cost(For(pod, Exactly()), pod with { Status = new() { ExtendedResourceClaimStatus = new() { ResourceClaimName = "another" } } }));
        Assert.Equal(all, Cost(For(pod, Exactly()) is var claim ? claim with { Metadata = claim.Metadata with { Annotations = default } } : null!, pod));
        // Another amount than any container's is not what the Pod pays.
        Assert.Equal($"{Gpu}=2,{Implicit}=2,{Explicit}=2", Cost(For(pod, Exactly(2)), pod));
    }

    [Fact]
    public void Pods_cost_what_they_ask_for_by_a_class()
    {
        var pod = Owner([Asking("c", "", (ByClass, 2))]);
        Assert.Equal(new Quantity(2), Charges.Of(new("", "pods"), pod, DateTimeOffset.UnixEpoch)[Implicit]);
        foreach (string name in (string[])[Implicit, Explicit])
            Assert.True(Charges.Concerns(new("", "pods"), name) && Charges.Concerns(s_claims, name));
        foreach (string name in (string[])["requests.cpu", "requests.storage", "storage", "gpu.deviceclass.resource.k8s.io/storage"])
            Assert.False(Charges.Concerns(s_claims, name));
    }
}
