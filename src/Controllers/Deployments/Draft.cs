using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.Ownership;

namespace Hanbae.Controllers.Deployments;

/// <summary>A Deployment's sets while a plan is made: what they were, and what they shall be.</summary>
sealed class Draft
{
    readonly Deployment _deployment;
    readonly ImmutableArray<ReplicaSet> _before;

    public Draft(Deployment deployment, ImmutableArray<ReplicaSet> sets)
    {
        _deployment = deployment;
        // Oldest first: of two sets with the same template the older is the one.
        _before = [.. sets.OrderBy(s => s.Metadata.CreationTimestamp).ThenBy(s => s.Metadata.Name, StringComparer.Ordinal)];
        Limits = RollLimits.Of(deployment);
        New = _before.FirstOrDefault(s => TemplateHash.Same(s.Spec.Template, deployment.Spec.Template));
        Olds = [.. _before.Where(s => s.Metadata.Uid != New?.Metadata.Uid)];
        long newest = Olds.Select(s => SetNotes.RevisionOf(s)).DefaultIfEmpty().Max();
        NextRevision = newest + 1;
        if (New is not { } set) return;
        New = set.WithAnnotations(SetNotes.Noted(deployment, set.Metadata.Annotations, NextRevision));
        int ready = deployment.Spec.MinReadySeconds;
        if (New.Spec.MinReadySeconds != ready) New = New with { Spec = New.Spec with { MinReadySeconds = ready } };
    }

    public RollLimits Limits { get; }
    public long NextRevision { get; }
    /// <summary>The set of the Deployment's template, if there is one yet.</summary>
    public ReplicaSet? New { get; private set; }
    /// <summary>All others, oldest first.</summary>
    public List<ReplicaSet> Olds { get; }
    public bool Creates { get; private set; }

    public IEnumerable<ReplicaSet> All => New is null ? Olds : [.. Olds, New];
    public IEnumerable<ReplicaSet> Active => All.Where(s => Size(s) > 0);
    public IEnumerable<ReplicaSet> ActiveOlds => Olds.Where(s => Size(s) > 0);

    public static int Size(ReplicaSet? set) => set is null ? 0 : set.Spec.Replicas ?? 1;

    /// <summary>Drafts the set of a template that has none.</summary>
    public void CreateNew()
    {
        var d = _deployment;
        string hash = TemplateHash.Of(d.Spec.Template, d.Status.CollisionCount);
        var meta = d.Spec.Template.Metadata;
        var template = d.Spec.Template with { Metadata = meta with { Labels = meta.Labels.Set(TemplateHash.Label, hash) } };
        var selector = d.Spec.Selector ?? Api.Meta.V1.LabelSelector.Empty;
        New = new()
        {
            Metadata = new()
            {
                Name = d.Metadata.Name + "-" + hash, Namespace = d.Metadata.Namespace, OwnerReferences = [d.ControllerRef()],
                Labels = template.Metadata.Labels, Annotations = SetNotes.Sizes(SetNotes.Noted(d, default, NextRevision), Limits),
            },
            Spec = new()
            {
                Replicas = Limits.NewSize(d, 0, Olds.Sum(Size)), MinReadySeconds = d.Spec.MinReadySeconds, Template = template,
                Selector = selector with { MatchLabels = selector.MatchLabels.Set(TemplateHash.Label, hash) },
            },
        };
        Creates = true;
    }

    /// <returns>Whether its size changes.</returns>
    public bool Scale(ReplicaSet set, int replicas)
    {
        bool changes = Size(set) != replicas;
        var next = set.WithAnnotations(SetNotes.Sizes(set.Metadata.Annotations, Limits));
        if (changes) next = next with { Spec = next.Spec with { Replicas = replicas } };
        if (New?.Metadata.Name == set.Metadata.Name) New = next;
        else Olds[Olds.FindIndex(s => s.Metadata.Name == set.Metadata.Name)] = next;
        return changes;
    }

    /// <summary>What has to be written for sets that exist.</summary>
    public ImmutableArray<SetChange> Changes()
    {
        var changes = ImmutableArray.CreateBuilder<SetChange>();
        foreach (var now in All)
            if (_before.FirstOrDefault(s => s.Metadata.Uid == now.Metadata.Uid) is { } was && !was.Equals(now)) changes.Add(new(was, now));
        return changes.DrainToImmutable();
    }
}

/// <summary>A set as it is and as it shall be.</summary>
readonly record struct SetChange(ReplicaSet Was, ReplicaSet Is)
{
    /// <summary>What users are told of a change in size; null when it has none.</summary>
    public string? Message => Draft.Size(Was).CompareTo(Draft.Size(Is)) switch
    {
        0 => null,
        < 0 => $"Scaled up replica set {Is.Metadata.Name} from {Draft.Size(Was)} to {Draft.Size(Is)}",
        > 0 => $"Scaled down replica set {Is.Metadata.Name} from {Draft.Size(Was)} to {Draft.Size(Is)}",
    };
}
