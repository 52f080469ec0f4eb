using System.Globalization;
using System.Text.Json;
using Hanbae.Api;
using Hanbae.Api.Rest;
using Hanbae.Api.Schema;
using Hanbae.Client;
using Migration = Hanbae.Api.Storagemigration.V1beta1.StorageVersionMigration;

namespace Hanbae.Controllers.StorageVersionMigrations;

/// <summary>Has every object of a resource written anew, so that all are stored as they would be today: in the current version, with the current key (KEP-4192).</summary>
/// <remarks>
/// One at a time of each resource, the oldest first. It goes by what was there when it began: what was written since needs no migration, so that after an
/// interruption only the rest is done. The API is a beta one, served where <c>--runtime-config</c> says so; without it there is nothing to do.
/// </remarks>
sealed class Migrate(IClusterAccess cluster) : IReconciler
{
    const string Manager = "storage-version-migrator-controller";
    /// <summary>A resource may be younger than what discovery knows.</summary>
    static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    readonly WhenServed<Migration> _migrations = new(cluster);
    readonly Definitions _definitions = new(cluster);

    public void Watch(Triggers on) => on.From(add => _migrations.Subscribe(e =>
    {
        add(Key.Of(e.Object));
        // The end of one is the beginning of the next.
        foreach (var other in _migrations.All) if (other.Spec.Resource.Equals(e.Object.Spec.Resource)) add(Key.Of(other));
    }));

    public async Task<Again> ReconcileAsync(Key key, CancellationToken ct)
    {
        if (_migrations.Find(key) is not { } migration) return Again.OnChange;
        if (migration.IsOver())
        {
            if (!migration.IsTrue(MigrationConditions.Running) && !migration.Status.Conditions.Exists(c => c.Type == MigrationConditions.Running)) return Again.OnChange;
            await _definitions.EndAsync(migration.Spec.Resource, migration.IsTrue(MigrationConditions.Succeeded), ct);
            await cluster.Client.UpdateStatusAsync(migration.WithoutRunning(), ct);
            return Again.OnChange;
        }
        if (MigrationConditions.Turn(_migrations.All, migration.Spec.Resource) != migration) return Again.OnChange;

        var now = cluster.Time.GetUtcNow();
        var (group, name) = (migration.Spec.Resource.Group, migration.Spec.Resource.Resource);
        var served = (await ServerResources.DiscoverAsync(cluster.Client.Transport, ct)).Preferred;
        if (served.FirstOrDefault(r => r.Gvr.Group == group && r.Gvr.Resource == name) is not { } resource)
        {
            if (migration.Metadata.CreationTimestamp + Patience > now) return Again.WithBackoff;
            await cluster.Client.UpdateStatusAsync(migration.With(MigrationConditions.Failed, "StorageVersionMigrationFailed", "resource does not exist in discovery", now), ct);
            return Again.OnChange;
        }
        var objects = cluster.Client.Dynamic(resource);
        if (!migration.IsTrue(MigrationConditions.Running))
        {
            if (migration.Status.ResourceVersion.Length == 0)
                migration = migration with { Status = migration.Status with { ResourceVersion = (await objects.ListAsync(new() { Limit = 1 }, ct)).ResourceVersion } };
            await _definitions.BeginAsync(migration.Spec.Resource, migration.Metadata.Name, ct);
            migration = await cluster.Client.UpdateStatusAsync(migration.With(MigrationConditions.Running, "MigrationRunning", "The migration is running", now), ct);
        }
        string trouble = await RewriteAsync(objects, migration.Status.ResourceVersion, ct);
        migration = trouble.Length == 0
            ? migration.With(MigrationConditions.Succeeded, "StorageVersionMigrationSucceeded", "", cluster.Time.GetUtcNow())
            : migration.With(MigrationConditions.Failed, "StorageVersionMigrationFailed", "migration encountered unhandled error: " + trouble, cluster.Time.GetUtcNow());
        await cluster.Client.UpdateStatusAsync(migration, ct);
        return Again.OnChange;
    }

    /// <returns>Why it cannot be done; empty when it is.</returns>
    /// <exception cref="ApiException">It can be done later.</exception>
    async Task<string> RewriteAsync(DynamicResource objects, string until, CancellationToken ct)
    {
        if (!ulong.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out ulong last)) return $"failed to parse resource version \"{until}\"";
        // Page by page; a page is no older than the first, and what comes meanwhile comes as it should be.
        var page = new ListQuery { Limit = 500 };
        while (true)
        {
            var list = await objects.ListAsync(page, ct);
            foreach (var obj in list.Items)
            {
                if (!ulong.TryParse(obj.Metadata.ResourceVersion, NumberStyles.None, CultureInfo.InvariantCulture, out ulong written)) return $"failed to parse resource version \"{obj.Metadata.ResourceVersion}\"";
                if (written > last) continue;
                try { await objects.PatchAsync(Key.Of(obj), Touch(objects.Resource.Kind, obj), ct); }
                // Somebody else wrote it, or it is gone: either way nothing old is left of it.
                catch (ApiException e) when (e.IsConflict || e.IsNotFound) { }
                catch (ApiException e) when (e.Code is not (429 or >= 500)) { return e.Message; }
            }
            if (list.Continue.Length == 0) return "";
            page = page with { Continue = list.Continue };
        }
    }

    /// <summary>A change that changes nothing, of the object as it was seen and no other: the server writes it if what is stored is not what it would store.</summary>
    static Patch Touch(KindInfo kind, IObject obj)
    {
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion", kind.ApiVersion);
            json.WriteString("kind", kind.Kind);
            json.WriteStartObject("metadata");
            json.WriteString("name", obj.Metadata.Name);
            json.WriteString("uid", obj.Metadata.Uid);
            json.WriteString("resourceVersion", obj.Metadata.ResourceVersion);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return Patch.Apply(body.ToArray(), Manager, force: false);
    }
}
