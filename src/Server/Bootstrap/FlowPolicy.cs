using Hanbae.Api;
using Hanbae.Api.Flowcontrol.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;

namespace Hanbae.Server.Bootstrap;

/// <summary>Keeps the flow control objects that every cluster has: at the start, and every minute after that, as upstream does.</summary>
/// <remarks>
/// The mandatory ones are always as they are meant to be. Suggested ones follow this program as long as their annotation says so; nobody's word is
/// taken as yes for objects that nobody has changed, and as no for others. Suggested ones of a program before this one go.
/// </remarks>
public static class FlowPolicy
{
    internal const string AutoUpdate = "apf.kubernetes.io/autoupdate-spec";
    static readonly TimeSpan s_every = TimeSpan.FromMinutes(1);

    internal static async Task EnsureAsync(Ensure ensure, CancellationToken ct)
    {
        await Task.WhenAll(
            ensure.AllAsync(FlowObjects.Suggested.Levels.Select(Marked), Merge, ct),
            ensure.AllAsync(FlowObjects.Mandatory.Levels.Select(Marked), Force, ct)).ConfigureAwait(false);
        await Task.WhenAll(
            ensure.AllAsync(FlowObjects.Suggested.Schemas.Select(Marked), Merge, ct),
            ensure.AllAsync(FlowObjects.Mandatory.Schemas.Select(Marked), Force, ct)).ConfigureAwait(false);
        await ensure.RemoveAsync<FlowSchema>(o => IsLeft(o.Metadata, FlowObjects.Mandatory.Schemas.Concat(FlowObjects.Suggested.Schemas).Select(s => s.Metadata.Name)), ct).ConfigureAwait(false);
        await ensure.RemoveAsync<PriorityLevelConfiguration>(o => IsLeft(o.Metadata, FlowObjects.Mandatory.Levels.Concat(FlowObjects.Suggested.Levels).Select(l => l.Metadata.Name)), ct).ConfigureAwait(false);
    }

    /// <summary>Until cancelled.</summary>
    public static async Task KeepAsync(IApiTransport transport, TimeProvider time, CancellationToken ct)
    {
        var ensure = new Ensure(transport, time);
        while (true)
        {
            await Task.Delay(s_every, time, ct).ConfigureAwait(false);
            await EnsureAsync(ensure, ct).ConfigureAwait(false);
        }
    }

    static bool IsLeft(ObjectMeta meta, IEnumerable<string> known) => meta.Annotations[AutoUpdate] == "true" && !known.Contains(meta.Name);

    static T Marked<T>(T wanted) where T : class, IObject<T> => (T)wanted.WithMetadata(wanted.Metadata with { Annotations = Map.Of((AutoUpdate, "true")) });

    /// <summary>What the annotation says, or what nobody has said.</summary>
    static bool Follows(ObjectMeta there) => there.Annotations[AutoUpdate] switch { "true" => true, null or "" => there.Generation == 1, _ => false };

    static ObjectMeta Noted(ObjectMeta there, bool follows) => there with { Annotations = there.Annotations.With(Map.Of((AutoUpdate, follows ? "true" : "false"))) };

    internal static FlowSchema Merge(FlowSchema there, FlowSchema wanted) => Merge(there, wanted, Follows(there.Metadata));

    internal static FlowSchema Force(FlowSchema there, FlowSchema wanted) => Merge(there, wanted, true);

    static FlowSchema Merge(FlowSchema there, FlowSchema wanted, bool follows)
    {
        var merged = there with { Metadata = Noted(there.Metadata, follows), Spec = follows ? wanted.Spec : there.Spec };
        return merged == there ? there : merged;
    }

    internal static PriorityLevelConfiguration Merge(PriorityLevelConfiguration there, PriorityLevelConfiguration wanted) => Merge(there, wanted, Follows(there.Metadata));

    internal static PriorityLevelConfiguration Force(PriorityLevelConfiguration there, PriorityLevelConfiguration wanted) => Merge(there, wanted, true);

    static PriorityLevelConfiguration Merge(PriorityLevelConfiguration there, PriorityLevelConfiguration wanted, bool follows)
    {
        var spec = follows ? wanted.Spec : there.Spec;
        // How much the exempt level has and lends is the user's, as upstream.
        if (follows && there.Spec is { Type: "Exempt", Exempt: { } exempt } && spec.Type == "Exempt") spec = spec with { Exempt = exempt };
        var merged = there with { Metadata = Noted(there.Metadata, follows), Spec = spec };
        return merged == there ? there : merged;
    }
}
