using Hanbae.Api;
using Hanbae.Api.Meta.V1;
using GroupResource = Hanbae.Api.Meta.V1.GroupResource;
using Migration = Hanbae.Api.Storagemigration.V1beta1.StorageVersionMigration;

namespace Hanbae.Controllers.StorageVersionMigrations;

/// <summary>How far a migration is, in upstream's words, and whose turn it is.</summary>
static class MigrationConditions
{
    public const string Running = "Running", Succeeded = "Succeeded", Failed = "Failed";

    public static bool IsTrue(this Migration migration, string type) => migration.Status.Conditions.Exists(c => c.Type == type && c.Status == "True");

    public static bool IsOver(this Migration migration) => migration.IsTrue(Succeeded) || migration.IsTrue(Failed);

    /// <summary>Of those that want the same resource migrated, the one that may: who has begun, or came first.</summary>
    public static Migration? Turn(IEnumerable<Migration> all, GroupResource resource) =>
        all.Where(m => m.Spec.Resource.Equals(resource) && !m.IsOver())
            .OrderBy(m => !m.IsTrue(Running)).ThenBy(m => m.Metadata.CreationTimestamp).ThenBy(m => m.Metadata.Name, StringComparer.Ordinal).FirstOrDefault();

    public static Migration With(this Migration migration, string type, string reason, string message, DateTimeOffset now)
    {
        if (migration.IsTrue(type)) return migration;
        var conditions = migration.Status.Conditions;
        if (type != Running && conditions.IndexOf(c => c.Type == Running) is var at and >= 0) conditions = conditions.SetAt(at, conditions[at] with { Status = "False" });
        conditions = conditions.Where(c => c.Type != type).ToSeq().Add(new Condition { Type = type, Status = "True", Reason = reason, Message = message, LastTransitionTime = now });
        return migration with { Status = migration.Status with { Conditions = conditions } };
    }

    public static Migration WithoutRunning(this Migration migration) =>
        migration with { Status = migration.Status with { Conditions = migration.Status.Conditions.Where(c => c.Type != Running).ToSeq() } };
}
