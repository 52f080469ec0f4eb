using Hanbae.Cri;
using Hanbae.Cri.V1;

namespace Hanbae.Host.Runtime;

/// <summary>Finds what a runtime takes for running although its process has ended.</summary>
/// <remarks>
/// A containerd that starts asks its shims to tell of exits before it knows the containers that they are about: one that ends in between is told of
/// and not found, and stays running for good. It can then be neither stopped (each try waits for its exit until the call's deadline) nor removed.
/// The next start finds the task stopped, and all is well.
/// </remarks>
/// <param name="alive">Whether there is such a process.</param>
sealed class LostExits(ICri cri, Func<int, bool> alive)
{
    /// <returns>The ids of such containers and sandboxes; one that ends at this moment may be among them, so who is found twice counts.</returns>
    public async Task<HashSet<string>> FindAsync(CancellationToken ct)
    {
        HashSet<string> found = [];
        foreach (var sandbox in await cri.ListPodSandboxAsync(new() { State = new() { State = PodSandboxState.SandboxReady } }, ct))
            if (await cri.PodSandboxStatusAsync(sandbox.Id, verbose: true, ct) is { Status.State: PodSandboxState.SandboxReady } status && IsGone(status.Info)) found.Add(sandbox.Id);
        foreach (var container in await cri.ListContainersAsync(new() { State = new() { State = ContainerState.ContainerRunning } }, ct))
            if (await cri.ContainerStatusAsync(container.Id, verbose: true, ct) is { Status.State: ContainerState.ContainerRunning } status && IsGone(status.Info)) found.Add(container.Id);
        return found;
    }

    bool IsGone(IDictionary<string, string> info) => RuntimeInfo.Process(info) is { } process && !alive(process);
}
