using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Networking.V1;
using Hanbae.Api.Storage.V1;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Admission;

public sealed class ObjectAdmissionTests : IAsyncLifetime
{
    SecureServer _server = null!;

    public async Task InitializeAsync() => _server = await StartAsync();
    public async Task DisposeAsync() => await _server.DisposeAsync();

    static PersistentVolumeClaim Claim(string name, string? storageClass = null) => new()
    {
        Metadata = new() { Name = name, Namespace = "default" },
        Spec = new() { AccessModes = ["ReadWriteOnce"], StorageClassName = storageClass, Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("1Gi"))) } },
    };

    [Fact]
    public async Task A_claim_without_class_gets_the_default_one()
    {
        await _server.MakeAsync(new StorageClass { Metadata = new() { Name = "plain" }, Provisioner = "example.com/p" });
        await _server.MakeAsync(new StorageClass { Metadata = new() { Name = "std", Annotations = Map.Of(("storageclass.kubernetes.io/is-default-class", "true")) }, Provisioner = "example.com/p" });

        Assert.Equal("std", (await _server.MakeAsync(Claim("a"))).Spec.StorageClassName);
        Assert.Equal("", (await _server.MakeAsync(Claim("b", ""))).Spec.StorageClassName);
        Assert.Equal("plain", (await _server.MakeAsync(Claim("c", "plain"))).Spec.StorageClassName);
    }

    [Fact]
    public async Task What_is_stored_is_protected_while_it_is_in_use()
    {
        Assert.Equal(["kubernetes.io/pvc-protection"], (await _server.MakeAsync(Claim("a"))).Metadata.Finalizers);
        Assert.Equal(["kubernetes.io/pv-protection"], (await _server.MakeAsync(new PersistentVolume
        {
            Metadata = new() { Name = "v" },
            Spec = new() { AccessModes = ["ReadWriteOnce"], Capacity = Map.Of(("storage", Quantity.Parse("1Gi"))), HostPath = new() { Path = "/tmp/v" } },
        })).Metadata.Finalizers);
        Assert.Equal(["kubernetes.io/vac-protection"], (await _server.MakeAsync(new VolumeAttributesClass { Metadata = new() { Name = "c" }, DriverName = "example.com", Parameters = Map.Of(("a", "b")) })).Metadata.Finalizers);
    }

    [Fact]
    public async Task An_Ingress_without_class_gets_the_default_one()
    {
        static Ingress Made(string name, string? @class = null, string legacy = "") => new()
        {
            Metadata = new() { Name = name, Namespace = "default", Annotations = legacy.Length > 0 ? Map.Of(("kubernetes.io/ingress.class", legacy)) : default },
            Spec = new() { IngressClassName = @class, DefaultBackend = new() { Service = new() { Name = "s", Port = new() { Number = 80 } } } },
        };
        await _server.MakeAsync(new IngressClass { Metadata = new() { Name = "plain" }, Spec = new() { Controller = "example.com/c" } });
        Assert.Null((await _server.MakeAsync(Made("before"))).Spec.IngressClassName);
        await _server.MakeAsync(new IngressClass { Metadata = new() { Name = "std", Annotations = Map.Of(("ingressclass.kubernetes.io/is-default-class", "true")) }, Spec = new() { Controller = "example.com/c" } });

        Assert.Equal("std", (await _server.MakeAsync(Made("a"))).Spec.IngressClassName);
        Assert.Equal("plain", (await _server.MakeAsync(Made("b", "plain"))).Spec.IngressClassName);
        Assert.Null((await _server.MakeAsync(Made("c", legacy: "old"))).Spec.IngressClassName);
    }

    [Fact]
    public async Task A_claim_grows_when_it_is_bound_and_its_class_lets_it()
    {
        await _server.MakeAsync(new StorageClass { Metadata = new() { Name = "stiff" }, Provisioner = "example.com/p" });
        await _server.MakeAsync(new StorageClass { Metadata = new() { Name = "loose" }, Provisioner = "example.com/p", AllowVolumeExpansion = true });
        async Task<string> GrowAsync(string name, string storageClass, bool bound = true)
        {
            var claim = await _server.MakeAsync(Claim(name, storageClass));
            string path = $"/api/v1/namespaces/default/persistentvolumeclaims/{name}";
            if (bound) claim = (PersistentVolumeClaim)Good(await _server.CallAsync(Admin, "PUT", path + "/status", claim with { Status = claim.Status with { Phase = "Bound" } })).Object!;
            var grown = await _server.CallAsync(Admin, "PUT", path, claim with { Spec = claim.Spec with { Resources = new() { Requests = Map.Of(("storage", Quantity.Parse("2Gi"))) } } });
            return grown.Code == 200 ? "" : Message(grown);
        }
        Assert.Equal("", await GrowAsync("a", "loose"));
        const string Refused = "\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
        Assert.Equal("persistentvolumeclaims \"b" + Refused, await GrowAsync("b", "stiff"));
        Assert.Equal("persistentvolumeclaims \"c" + Refused, await GrowAsync("c", ""));
        Assert.Contains("for bound claims", await GrowAsync("d", "loose", bound: false), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_new_node_takes_no_Pods_yet()
    {
        var node = await _server.MakeAsync(new Node { Metadata = new() { Name = "n1" } });

        Assert.Equal(new Taint { Key = "node.kubernetes.io/not-ready", Effect = "NoSchedule" }, Assert.Single(node.Spec.Taints));
    }

    [Fact]
    public async Task A_claim_outside_the_limits_is_refused()
    {
        await _server.MakeAsync(new LimitRange
        {
            Metadata = new() { Name = "limits", Namespace = "default" },
            Spec = new() { Limits = [new() { Type = "PersistentVolumeClaim", Max = Map.Of(("storage", Quantity.Parse("500Mi"))) }] },
        });

        Assert.Equal("persistentvolumeclaims \"a\" is forbidden: maximum storage usage per PersistentVolumeClaim is 500Mi, but request is 1Gi", Message(await _server.CreateAsync(Admin, Claim("a"))));
    }
}
