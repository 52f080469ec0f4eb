using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;
using Hanbae.Kubelet.Runtime;

namespace Hanbae.Kubelet.Server;

/// <summary><c>/runningpods</c>: what the runtime has of Pods, told as Pods; nothing of it comes from the API.</summary>
static class RunningPods
{
    public static Pod Of(PodWorker worker) => new()
    {
        Metadata = new() { Name = worker.Pod.Metadata.Name, Namespace = worker.Pod.Metadata.Namespace, Uid = worker.Uid },
        Spec = new()
        {
            Containers = worker.Runtime!.Containers.Where(c => c.State == RuntimeState.Running).Select(c => new Container { Name = c.Name, Image = c.Image }).ToSeq(),
        },
    };
}
