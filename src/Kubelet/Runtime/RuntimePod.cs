using System.Collections.Immutable;
using Hanbae.Api;
using Hanbae.Cri.V1;

namespace Hanbae.Kubelet.Runtime;

/// <summary>A Pod as the container runtime has it: the only state from which the kubelet decides what to do next.</summary>
/// <param name="Sandboxes">Newest first.</param>
/// <param name="Containers">Newest first, of all sandboxes.</param>
public sealed record RuntimePod(string Uid, string Namespace, string Name, ImmutableArray<RuntimeSandbox> Sandboxes, ImmutableArray<RuntimeContainer> Containers)
{
    public static RuntimePod None(string uid, string ns, string name) => new(uid, ns, name, [], []);

    public RuntimeSandbox? Sandbox => Sandboxes.Length > 0 ? Sandboxes[0] : null;

    public bool IsRunning => Sandboxes.Any(s => s.Ready) || Containers.Any(c => c.State == RuntimeState.Running);

    /// <summary>The newest container of that name, whichever sandbox it was in.</summary>
    public RuntimeContainer? Newest(string name)
    {
        foreach (var c in Containers) if (c.Name == name) return c;
        return null;
    }

    /// <summary>The newest container of that name in the newest sandbox: what counts for init containers, which run again in a new sandbox.</summary>
    public RuntimeContainer? Current(string name) => Newest(name) is { Past: false } c && c.SandboxId == Sandbox?.Id ? c : null;

    public RuntimeContainer? Before(RuntimeContainer container) =>
        Containers.FirstOrDefault(c => c.Name == container.Name && c.Id != container.Id && c.State == RuntimeState.Exited);
}

public sealed record RuntimeSandbox(string Id, bool Ready, uint Attempt, DateTimeOffset CreatedAt, Seq<string> IPs, bool HostNetwork);

public enum RuntimeState { Created, Running, Exited, Unknown }

/// <summary>One run of a container.</summary>
public sealed record RuntimeContainer
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string SandboxId { get; init; }
    public required RuntimeState State { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public int ExitCode { get; init; }
    public string Reason { get; init; } = "";
    public string Message { get; init; } = "";
    /// <summary>The name it was made from, as the runtime has it.</summary>
    public string Image { get; init; } = "";
    public string ImageId { get; init; } = "";
    public string Hash { get; init; } = "";
    public int RestartCount { get; init; }
    public string LogPath { get; init; } = "";
    /// <summary>What is in force; null where the runtime does not say.</summary>
    public LinuxContainerResources? Resources { get; init; }
    public LinuxContainerUser? User { get; init; }

    /// <summary>It belongs to a run of the Pod's containers that was ended as a whole, to begin anew (KEP-5532).</summary>
    public bool Past { get; init; }

    public bool Succeeded => State == RuntimeState.Exited && ExitCode == 0;
}
