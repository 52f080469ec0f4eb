using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.StatefulSets;

enum StepKind : byte { Create, Delete, Repair, Claims }

/// <summary>One thing to be done for one member.</summary>
readonly record struct Step(StepKind Kind, Pod Pod, int Ordinal);

/// <summary>A template and the revision it is known by.</summary>
readonly record struct Version(string Revision, PodTemplateSpec Template);

/// <summary>The next steps towards the members that a StatefulSet asks for, in the order in which they may be taken.</summary>
/// <remarks>
/// As upstream: members come from the first and go from the last; where order matters (<c>OrderedReady</c>) one that is not available holds
/// up all that follow, also when it will never be: that is for its owner to mend. Updates come last, from the highest ordinal down.
/// </remarks>
sealed record RunPlan(ImmutableArray<Step> Steps, int DeletedForUpdate, DateTimeOffset? ReadyAt)
{
    /// <param name="mine">All Pods that the set controls.</param>
    /// <param name="claims">A claim by its name, if there is one.</param>
    public static RunPlan For(
        StatefulSet set, Version current, Version update, ImmutableArray<Pod> mine, Func<string, PersistentVolumeClaim?> claims, DateTimeOffset now)
    {
        var planner = new Planner(set, current, update, claims, now);
        int deleted = planner.Plan(mine);
        var readyAt = mine.Select(p => p.AvailableFrom(set.Spec.MinReadySeconds)).Where(at => at > now).Min();
        return new([.. planner.Steps], deleted, readyAt);
    }

    sealed class Planner(StatefulSet set, Version current, Version update, Func<string, PersistentVolumeClaim?> claims, DateTimeOffset now)
    {
        readonly bool _ordered = set.Spec.PodManagementPolicy != "Parallel";
        readonly int _first = Identity.First(set);

        public List<Step> Steps { get; } = [];

        public int Plan(ImmutableArray<Pod> mine)
        {
            var members = new Pod?[Identity.Replicas(set)];
            var condemned = new List<(Pod Pod, int Ordinal)>();
            foreach (var pod in mine)
                if (Identity.OrdinalOf(set, pod) is not { } ordinal) continue;
                else if (Identity.IsInRange(set, ordinal)) members[ordinal - _first] = pod;
                else condemned.Add((pod, ordinal));
            condemned.Sort((a, b) => b.Ordinal.CompareTo(a.Ordinal));
            if (set.Metadata.DeletionTimestamp is not null) return 0;

            for (int i = 0; i < members.Length; i++)
                if (!Keep(members[i], _first + i) && _ordered) return 0;
            foreach (var (pod, ordinal) in condemned)
                if (!OwnersAreRight(pod, ordinal)) Steps.Add(new(StepKind.Claims, pod, ordinal));
            // The lowest that is not available: the one that may go although it is not.
            var stuck = members.Any(m => !IsAvailable(m)) ? null : condemned.Where(c => !IsAvailable(c.Pod)).Select(c => c.Pod).LastOrDefault();
            foreach (var (pod, ordinal) in condemned)
            {
                if (pod.Metadata.DeletionTimestamp is not null) { if (_ordered) return 0; continue; }
                if (_ordered && !IsAvailable(pod) && pod != stuck) return 0;
                Steps.Add(new(StepKind.Delete, pod, ordinal));
                if (_ordered) return 0;
            }
            return set.Spec.UpdateStrategy.Type == "OnDelete" ? 0 : Update(members);
        }

        /// <returns>Whether the next may follow where order matters.</returns>
        bool Keep(Pod? pod, int ordinal)
        {
            if (pod is null)
            {
                string name = Identity.NameOf(set, ordinal);
                if (Claims.For(set, ordinal).Any(c => claims(c.Metadata.Name) is { } there && Claims.IsStale(set, there, name))) return false;
                var (revision, template) = IsCurrentNeeded(ordinal) ? current : update;
                Steps.Add(new(StepKind.Create, Identity.Make(set, template, revision, ordinal), ordinal));
                return false;
            }
            // Whether it failed or succeeded: a member runs for ever.
            if (pod.IsTerminal)
            {
                if (pod.Metadata.DeletionTimestamp is null) Steps.Add(new(StepKind.Delete, pod, ordinal));
                return false;
            }
            if (pod.Status.Phase is "" or "Pending" && Claims.For(set, ordinal).Any(c => claims(c.Metadata.Name) is null)) Steps.Add(new(StepKind.Claims, pod, ordinal));
            if (_ordered && !IsAvailable(pod)) return false;
            if (!Identity.IsWhole(set, pod, ordinal)) Steps.Add(new(StepKind.Repair, pod, ordinal));
            else if (!OwnersAreRight(pod, ordinal)) Steps.Add(new(StepKind.Claims, pod, ordinal));
            return true;
        }

        int Update(Pod?[] members)
        {
            int partition = set.Spec.UpdateStrategy.RollingUpdate?.Partition ?? 0;
            if (set.Spec.UpdateStrategy.RollingUpdate?.MaxUnavailable is { } most) return UpdateSome(members, partition, most);
            // Who does not say how many gets one at a time, in parallel, too.
            for (int i = members.Length - 1; i >= partition; i--)
            {
                var member = members[i];
                if (member is { Metadata.DeletionTimestamp: null, IsTerminal: false } && Identity.RevisionOf(member) != update.Revision)
                {
                    Steps.Add(new(StepKind.Delete, member, _first + i));
                    return Identity.RevisionOf(member) == current.Revision ? 1 : 0;
                }
                if (!IsAvailable(member)) return 0;
            }
            return 0;
        }

        /// <summary>As many at once as may be away, from the last on (KEP-961, which upstream has behind a gate).</summary>
        int UpdateSome(Pod?[] members, int partition, IntOrString most)
        {
            int before = Steps.Count;
            // Rounded down, but never to none.
            int budget = Math.Max(1, most.GetScaledValue(members.Length, roundUp: false)) - members.Count(m => !IsAvailable(m));
            for (int i = members.Length - 1; i >= partition && budget > 0; i--)
                if (members[i] is { Metadata.DeletionTimestamp: null, IsTerminal: false } member && Identity.RevisionOf(member) != update.Revision)
                {
                    Steps.Add(new(StepKind.Delete, member, _first + i));
                    budget--;
                }
            return Steps.Skip(before).Count(s => Identity.RevisionOf(s.Pod) == current.Revision);
        }

        /// <summary>Members below the partition stay what they were, also when they have to be made anew.</summary>
        bool IsCurrentNeeded(int ordinal) => set.Spec.UpdateStrategy.Type != "OnDelete"
            && ordinal < _first + (set.Spec.UpdateStrategy.RollingUpdate is { } rolling ? rolling.Partition ?? 0 : set.Status.CurrentReplicas);

        bool IsAvailable(Pod? pod) => pod is { Metadata.DeletionTimestamp: null, Status.Phase: "Running" } && pod.IsAvailable(set.Spec.MinReadySeconds, now);

        bool OwnersAreRight(Pod pod, int ordinal) =>
            Claims.For(set, ordinal).All(c => claims(c.Metadata.Name) is not { } there || Claims.OwnersOf(set, pod, ordinal, there) == there.Metadata.OwnerReferences);
    }
}
