using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Client;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Ownership;

/// <summary>Wakes the controller of each Pod that changes.</summary>
/// <remarks>A Pod without a controller wakes all that would adopt it, when it is new or looks different.</remarks>
/// <param name="selector">Which Pods an owner would adopt.</param>
sealed class PodWatch<T>(ICache<T> owners, ICache<Pod> pods, Func<T, LabelSelector?> selector) where T : class, IObject<T>
{
    public IDisposable Subscribe(Action<Key> add)
    {
        owners.IndexSelectors(selector);
        return pods.Subscribe(e => On(e, add));
    }

    void On(CacheEvent<Pod> e, Action<Key> add)
    {
        if (e.Old is { } old && OwnerOf(old) is { } before) add(before);
        if (e.New is not { } pod) return;
        if (OwnerOf(pod) is { } key) add(key);
        else if (pod.Controller is null && (e.Old is null || e.Old.Metadata.Labels != pod.Metadata.Labels || e.Old.Controller is not null))
            foreach (var owner in owners.MayChoose(pod.Metadata.Namespace, pod.Metadata.Labels))
                if (selector(owner).ToSelector() is { IsEmpty: false } wanted && wanted.Matches(pod.Metadata.Labels)) add(Key.Of(owner));
    }

    static Key? OwnerOf(Pod pod) =>
        pod.Controller is { } owner && owner.Kind == T.Info.Kind && owner.ApiVersion == T.Info.ApiVersion ? new(pod.Metadata.Namespace, owner.Name) : null;
}
