using Hanbae.Api;
using Hanbae.Api.Core.V1;
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
    public async Task A_claim_in_use_is_protected() => Assert.Equal(["kubernetes.io/pvc-protection"], (await _server.MakeAsync(Claim("a"))).Metadata.Finalizers);

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
