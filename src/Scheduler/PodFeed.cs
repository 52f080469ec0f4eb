using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Client;
using Hanbae.Scheduler.Plugins;

namespace Hanbae.Scheduler;

/// <summary>Keeps snapshot and queue true to the Pods that there are. To be called under the scheduler's lock.</summary>
/// <param name="assumed">Uids of Pods whose binding is under way.</param>
/// <param name="isOurs">The Pod names one of the scheduler's profiles.</param>
internal sealed class PodFeed(Snapshot snapshot, Queue queue, HashSet<string> assumed, Func<Pod, bool> isOurs)
{
    /// <returns>Whether anybody may be ready to be tried now.</returns>
    public bool Apply(CacheEvent<Pod> change)
    {
        var pod = change.Object;
        string uid = pod.Metadata.Uid;
        if (change.New is null || pod.Status.Phase is "Succeeded" or "Failed")
        {
            snapshot.Groups.Leave(pod);
            queue.Remove(Key.Of(pod), uid);
            // One that had ended before was taken out when it ended.
            if (change.New is null && pod.Status.Phase is "Succeeded" or "Failed" && change.Old?.Status.Phase == pod.Status.Phase) { snapshot.Forget(uid); return false; }
            string promised = snapshot.Denominate(uid), placed = snapshot.PlaceOf(uid);
            bool counted = assumed.Remove(uid) || pod.Spec.NodeName.Length > 0;
            snapshot.Forget(uid);
            if (counted) queue.On(new(Change.PodRemoved, pod, Where: placed));
            Release(pod, promised);
            return true;
        }
        return pod.Spec.NodeName.Length > 0 ? Placed(pod, change.Old) : Pending(pod, change.Old);
    }

    /// <summary>What was free, or to be freed, for a Pod alone is to be had by others.</summary>
    /// <param name="node">Empty when there is nothing.</param>
    public void Release(Pod pod, string node)
    {
        if (node.Length > 0) queue.On(new(Change.PodRemoved, pod, Where: node));
    }

    bool Placed(Pod pod, Pod? old)
    {
        string uid = pod.Metadata.Uid;
        bool arrived = assumed.Remove(uid) || old is null or { Spec.NodeName.Length: 0 };
        if (arrived)
        {
            queue.Remove(Key.Of(pod));
            if (snapshot.Denominate(uid) is var promised && promised != pod.Spec.NodeName) Release(pod, promised);
        }
        // Status changes of running Pods, the bulk of all events, change nothing that is counted.
        if (snapshot.Placed(uid, pod.Spec.NodeName) is { } known && known.CountsAs(pod))
        {
            bool started = known.Pod.Status.StartTime != pod.Status.StartTime;
            known.Pod = pod;
            if (started) snapshot.Touch(pod.Spec.NodeName);
        }
        else
        {
            var info = new PodInfo(pod);
            snapshot.Place(info, pod.Spec.NodeName);
            snapshot.Groups.Join(info);
            if (!arrived) queue.On(new(Change.PodUpdated, old, pod));
        }
        if (arrived) queue.On(new(Change.PodAdded, null, pod));
        return true;
    }

    bool Pending(Pod pod, Pod? old)
    {
        if (!isOurs(pod) || pod.Metadata.DeletionTimestamp is not null)
        {
            queue.Remove(Key.Of(pod));
            snapshot.Groups.Leave(pod);
            Release(pod, snapshot.Denominate(pod.Metadata.Uid));
            return false;
        }
        if (assumed.Contains(pod.Metadata.Uid)) return false;
        // Somebody took back what it was promised.
        if (pod.Status.NominatedNodeName.Length == 0 && old?.Status.NominatedNodeName is { Length: > 0 } promised && snapshot.NominatedNode(pod.Metadata.Uid) == promised)
            Release(pod, snapshot.Denominate(pod.Metadata.Uid));
        bool nominated = pod.Status.NominatedNodeName.Length > 0 && snapshot.NominatedNode(pod.Metadata.Uid).Length == 0;
        // Mostly what has just been written of it.
        if (!nominated && PodInfo.GroupOf(pod) is null && PodInfo.GroupOf(old ?? pod) is null && queue.Renew(pod)) return true;
        var info = new PodInfo(pod);
        // Known from a scheduler before this one.
        if (nominated) snapshot.Nominate(info, pod.Status.NominatedNodeName);
        bool joined = snapshot.Groups.Join(info);
        queue.Put(info);
        if (joined) queue.On(new(Change.PodPending, null, pod));
        return true;
    }
}
