using Hanbae.Api;
using Hanbae.Api.Apiextensions.V1;
using Hanbae.Client;
using GroupResource = Hanbae.Api.Meta.V1.GroupResource;

namespace Hanbae.Controllers.StorageVersionMigrations;

/// <summary>Tells CustomResourceDefinitions that their objects are being migrated, and which stored versions are left afterwards.</summary>
sealed class Definitions(IClusterAccess cluster)
{
    const string Type = "StorageMigrating";

    /// <remarks>The definition's generation at this moment is noted: if it is another at the end, it is not known what was stored meanwhile.</remarks>
    public Task BeginAsync(GroupResource resource, string migration, CancellationToken ct) =>
        ChangeAsync(resource, crd => Say(crd, "True", "MigrationRunning", $"Migration {migration} is running", cluster.Time.GetUtcNow()), ct);

    public Task EndAsync(GroupResource resource, bool succeeded, CancellationToken ct) =>
        ChangeAsync(resource, crd => Ended(crd, succeeded, cluster.Time.GetUtcNow()), ct);

    public static CustomResourceDefinition Ended(CustomResourceDefinition crd, bool succeeded, DateTimeOffset now)
    {
        if (!crd.Status.Conditions.Exists(c => c is { Type: Type, Status: "True", Reason: "MigrationRunning" })) return crd;
        if (!succeeded) return Say(crd, "False", "MigrationFailed", "The migration has failed", now);
        bool same = crd.Status.Conditions.Exists(c => c.Type == Type && c.ObservedGeneration == crd.Metadata.Generation);
        if (!same) return Say(crd, "False", "MigrationSucceeded", "The migration has succeeded but the stored versions have not been updated due to a generation mismatch", now);
        crd = Say(crd, "False", "MigrationSucceeded", "The migration has succeeded and the stored versions have been updated", now);
        return crd with { Status = crd.Status with { StoredVersions = [.. crd.Spec.Versions.Where(v => v.Storage).Select(v => v.Name)] } };
    }

    static CustomResourceDefinition Say(CustomResourceDefinition crd, string status, string reason, string message, DateTimeOffset now)
    {
        int at = crd.Status.Conditions.IndexOf(c => c.Type == Type);
        var condition = new CustomResourceDefinitionCondition
        {
            Type = Type, Status = status, Reason = reason, Message = message, ObservedGeneration = crd.Metadata.Generation, LastTransitionTime = now,
        };
        return crd with { Status = crd.Status with { Conditions = at < 0 ? crd.Status.Conditions.Add(condition) : crd.Status.Conditions.SetAt(at, condition) } };
    }

    async Task ChangeAsync(GroupResource resource, Func<CustomResourceDefinition, CustomResourceDefinition> change, CancellationToken ct)
    {
        var key = new Key("", $"{resource.Resource}.{resource.Group}");
        if (resource.Group.Length == 0 || await cluster.Client.FindAsync<CustomResourceDefinition>(key, ct) is null) return;
        await cluster.Client.UpdateWithRetryAsync(key, change, ct, "status", cluster.Time);
    }
}
