using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.StorageVersionMigrations;
using Hanbae.Kit;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Discovery;
using KeyRange = Hanbae.Store.KeyRange;
using Hanbae.Store.Memory;
using Migration = Hanbae.Api.Storagemigration.V1beta1.StorageVersionMigration;

namespace Hanbae.Controllers.Tests.StorageVersionMigrations;

/// <summary>A migration has all objects written as they would be written today, against a real API server.</summary>
public sealed class MigrateTests : IAsyncLifetime
{
    const string Group = "example.com";

    readonly MemoryStore _store = new();
    readonly CancellationTokenSource _stop = new();
    ApiServer _server = null!;
    IClient _client = null!;
    Task _running = Task.CompletedTask;

    public Task InitializeAsync()
    {
        ApiServer? made = null;
        _server = made = new(_store, new()
        {
            Authorizers = [new AlwaysAllow()], MoreServed = new(Resources.Of(new Hanbae.Api.GroupVersion("storagemigration.k8s.io", "v1beta1"))),
            Paths = [.. new DiscoveryHandler(() => made?.MoreGroups ?? [], "").Routes],
        });
        _client = new ApiClient(new IdentityTransport(_server.Transport, new("admin", ["system:masters"]), "tests"));
        return Task.CompletedTask;
    }

    void Run()
    {
        var informers = new InformerFactory(_client.Transport, TimeProvider.System);
        var access = new ClusterAccess(_client.Transport, informers, "controllers", TimeProvider.System);
        _running = Task.WhenAll(informers.RunAsync(_stop.Token), access.RunAsync(_stop.Token),
            Catalog.RunAsync(_ => access, ControllerOptions.Default with { Run = ControllerChoice.Of(["storage-version-migrator-controller"]) }, _stop.Token));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        await _store.DisposeAsync();
    }

    static CustomResourceDefinition Definition(string stored) => new()
    {
        Metadata = new() { Name = "things." + Group },
        Spec = new()
        {
            Group = Group, Scope = "Namespaced", Names = new() { Plural = "things", Singular = "thing", Kind = "Thing", ListKind = "ThingList" },
            Versions = [.. ((string[])["v1", "v2"]).Select(v => new CustomResourceDefinitionVersion
            {
                Name = v, Served = true, Storage = v == stored, Schema = new() { OpenAPIV3Schema = new() { Type = "object", XKubernetesPreserveUnknownFields = true } },
            })],
        },
    };

    static Migration Of(string name, string group, string resource) => new() { Metadata = new() { Name = name }, Spec = new() { Resource = new() { Group = group, Resource = resource } } };

    async Task<T> UntilAsync<T>(Key key, Func<T, bool> holds) where T : class, IObject<T>
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (var e in _client.WatchAsync<T>(new() { Namespace = key.Namespace, FieldSelector = "metadata.name=" + key.Name }, ct: limit.Token))
            if (holds(e.Object)) return e.Object;
        throw new InvalidOperationException("the watch ended");
    }

    /// <summary>Discovery follows definitions at its own pace, and tells nobody.</summary>
    async Task<ResourceInfo> ThingsAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
            if ((await ServerResources.DiscoverAsync(_client.Transport, limit.Token)).Find("things." + Group) is { } found) return found;
    }

    /// <summary>How many objects are stored in a version, looked at beneath the server.</summary>
    async Task<int> StoredAsync(string version)
    {
        int count = 0;
        foreach (var entry in (await _store.ListAsync(KeyRange.All, null, 0, default)).Entries)
            if (JsonValue.Parse(entry.Value.Span) is JsonObject stored && stored["kind"] is JsonString { Value: "Thing" } && stored["apiVersion"] is JsonString { Value: var written } && written == $"{Group}/{version}") count++;
        return count;
    }

    [Fact]
    public async Task Custom_objects_come_to_be_stored_in_the_new_version_and_the_definition_forgets_the_old()
    {
        await _client.CreateAsync(Definition("v1"), default);
        await UntilAsync<CustomResourceDefinition>(new("", "things." + Group), c => c.Status.Conditions.Exists(o => o is { Type: "Established", Status: "True" }));
        var things = _client.Dynamic(await ThingsAsync());
        for (int i = 0; i < 7; i++)
            await things.CreateAsync((Unstructured)things.Resource.Kind.Decode(Encoding.UTF8.GetBytes($$"""{"apiVersion":"{{Group}}/v1","kind":"Thing","metadata":{"name":"t{{i}}","namespace":"default"},"spec":{"size":{{i}} } }""")), default);
        await _client.UpdateWithRetryAsync<CustomResourceDefinition>(new("", "things." + Group), c => c with { Spec = Definition("v2").Spec }, default);
        await UntilAsync<CustomResourceDefinition>(new("", "things." + Group), c => c.Status.StoredVersions.Contains("v2"));
        Assert.Equal((7, 0), (await StoredAsync("v1"), await StoredAsync("v2")));

        Run();
        await _client.CreateAsync(Of("m", Group, "things"), default);
        var done = await UntilAsync<Migration>(new("", "m"), m => m.IsOver() && !m.Status.Conditions.Exists(c => c.Type == "Running"));

        Assert.Equal(("Succeeded", "True", "StorageVersionMigrationSucceeded"), (done.Status.Conditions[0].Type, done.Status.Conditions[0].Status, done.Status.Conditions[0].Reason));
        Assert.NotEmpty(done.Status.ResourceVersion);
        Assert.Equal((0, 7), (await StoredAsync("v1"), await StoredAsync("v2")));
        var definition = await _client.GetAsync<CustomResourceDefinition>(new("", "things." + Group), default);
        Assert.Equal(["v2"], definition.Status.StoredVersions);
        Assert.Contains(definition.Status.Conditions, c => c is { Type: "StorageMigrating", Status: "False", Reason: "MigrationSucceeded", Message: "The migration has succeeded and the stored versions have been updated" });
    }

    [Fact]
    public async Task What_is_as_it_should_be_is_not_written_and_one_follows_the_other()
    {
        await _client.CreateAsync(new ConfigMap { Metadata = new() { Name = "a", Namespace = "default" } }, default);
        string before = (await _client.GetAsync<ConfigMap>(new("default", "a"), default)).Metadata.ResourceVersion;
        await _client.CreateAsync(Of("first", "", "configmaps"), default);
        await _client.CreateAsync(Of("second", "", "configmaps"), default);
        Run();
        foreach (string name in (string[])["first", "second"])
            Assert.True((await UntilAsync<Migration>(new("", name), m => m.IsOver())).IsTrue("Succeeded"));
        Assert.Equal(before, (await _client.GetAsync<ConfigMap>(new("default", "a"), default)).Metadata.ResourceVersion);
    }

    [Fact]
    public async Task A_resource_that_there_is_not_fails_when_it_has_had_its_minute()
    {
        var clock = new FakeTime();
        var old = Of("m", Group, "nothings") with { Metadata = new() { Name = "m", CreationTimestamp = clock.GetUtcNow() } };
        await using var cluster = new TestCluster(["storage-version-migrator-controller"], api => api.Put(old)) { Creep = TimeSpan.FromSeconds(5) };
        await cluster.UntilAsync(api => api.Find<Migration>("m", "")!.IsOver());
        var said = Assert.Single(cluster.Api.Find<Migration>("m", "")!.Status.Conditions);
        Assert.Equal(("Failed", "StorageVersionMigrationFailed", "resource does not exist in discovery"), (said.Type, said.Reason, said.Message));
        Assert.True(cluster.Time.GetUtcNow() - clock.GetUtcNow() >= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void A_definition_that_was_changed_meanwhile_keeps_its_stored_versions()
    {
        var crd = Definition("v2") with
        {
            Metadata = new() { Name = "things." + Group, Generation = 4 },
            Status = new() { StoredVersions = ["v1", "v2"], Conditions = [new CustomResourceDefinitionCondition { Type = "StorageMigrating", Status = "True", Reason = "MigrationRunning", ObservedGeneration = 3 }] },
        };
        var ended = Definitions.Ended(crd, succeeded: true, Make.Start);
        Assert.Equal(["v1", "v2"], ended.Status.StoredVersions);
        Assert.Equal("The migration has succeeded but the stored versions have not been updated due to a generation mismatch", ended.Status.Conditions[0].Message);
        Assert.Equal(("False", "MigrationFailed"), (Definitions.Ended(crd, succeeded: false, Make.Start).Status.Conditions[0].Status, Definitions.Ended(crd, succeeded: false, Make.Start).Status.Conditions[0].Reason));
    }

    [Fact]
    public void The_oldest_goes_first_unless_one_has_begun()
    {
        Migration At(string name, int second, params string[] conditions) => Of(name, "", "secrets") with
        {
            Metadata = new() { Name = name, CreationTimestamp = Make.Start.AddSeconds(second) },
            Status = new() { Conditions = [.. conditions.Select(c => new Api.Meta.V1.Condition { Type = c, Status = "True" })] },
        };
        var resource = Of("", "", "secrets").Spec.Resource;
        Assert.Equal("b", MigrationConditions.Turn([At("c", 2), At("b", 1), At("a", 0, "Succeeded")], resource)!.Metadata.Name);
        Assert.Equal("c", MigrationConditions.Turn([At("c", 2, "Running"), At("b", 1)], resource)!.Metadata.Name);
        Assert.Null(MigrationConditions.Turn([At("a", 0, "Failed")], resource));
    }
}
