using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Preconditions = Hanbae.Api.Meta.V1.Preconditions;

namespace Hanbae.Controllers.Revisions;

/// <summary>Numbers the templates that an object has had, so that one can go back to them.</summary>
/// <remarks>
/// As upstream: a template that was there before gets its old revision back under a new number; names follow from the template, so that a
/// cache that lags cannot make two of one; a name that is taken by a stranger is told by the collision count.
/// </remarks>
/// <param name="label">Carries the template's hash.</param>
sealed class History(IClient client, ICache<ControllerRevision> cache, string label)
{
    /// <param name="All">Oldest first, the current one included.</param>
    public readonly record struct Result(ControllerRevision Current, ImmutableArray<ControllerRevision> All, int? Collisions)
    {
        public string Hash(string label) => Current.Metadata.Labels[label] ?? "";
    }

    /// <param name="labels">What revisions are found by: the template's.</param>
    public async Task<Result> SyncAsync<T>(T owner, Selector selector, PodTemplateSpec template, int? collisions, CancellationToken ct) where T : class, IObject<T>
    {
        var all = await Claim.AllAsync(client, owner, selector, cache, ct);
        all = [.. all.Where(r => !r.IsBeingDeleted).OrderBy(r => r.Revision).ThenBy(r => r.Metadata.CreationTimestamp).ThenBy(r => r.Metadata.Name, StringComparer.Ordinal)];
        var same = all.LastOrDefault(Says);
        long next = all.Where(r => !Says(r)).Select(r => r.Revision).DefaultIfEmpty().Max() + 1;
        if (same?.Revision >= next) return new(same, all, collisions);
        if (same is not null)
        {
            var renumbered = await client.UpdateAsync(same with { Revision = next }, ct);
            return new(renumbered, [.. all.Where(r => r != same), renumbered], collisions);
        }
        for (int count = collisions ?? 0; ; count++)
        {
            string hash = Snapshot.Hash(template, count);
            var made = new ControllerRevision
            {
                Metadata = new()
                {
                    Name = owner.Metadata.Name + "-" + hash, Namespace = owner.Metadata.Namespace, OwnerReferences = [owner.ControllerRef()],
                    Labels = template.Metadata.Labels.Set(label, hash), Annotations = owner.Metadata.Annotations,
                },
                Data = Snapshot.Of(template), Revision = next,
            };
            try
            {
                made = await client.CreateAsync(made, ct);
                return new(made, [.. all, made], count == 0 && collisions is null ? null : count);
            }
            catch (ApiException e) when (e.IsAlreadyExists)
            {
                // Ours, or an orphan that will be, which the cache did not show yet; or a stranger of the same name.
                if (await client.FindAsync(made, ct) is { } there && Says(there) && (there.Controller is null ? selector.Matches(there.Metadata.Labels) : there.IsControlledBy(owner)))
                    return new(there, [.. all, there], count == 0 && collisions is null ? null : count);
            }
        }

        bool Says(ControllerRevision revision) => Snapshot.TemplateOf(revision) is { } known && known.Equals(template);
    }

    /// <summary>Deletes the oldest, as far as they are more than <paramref name="limit"/>.</summary>
    /// <param name="used">What counts, but has to stay.</param>
    public async Task TrimAsync(IEnumerable<ControllerRevision> old, int limit, CancellationToken ct, Func<ControllerRevision, bool>? used = null)
    {
        // A negative limit is none: so upstream takes what its validation lets through.
        if (limit < 0) return;
        var all = old.ToList();
        if (all.Count <= limit) return;
        foreach (var revision in all.Where(r => used?.Invoke(r) != true).Take(Math.Max(0, all.Count - limit)))
            await client.TryDeleteAsync<ControllerRevision>(Key.Of(revision), Preconditions.Uid(revision), ct);
    }
}
