using System.Collections.Immutable;
using Hanbae.Server.Subresources;

namespace Hanbae.Host.Roles;

/// <summary>What `kubectl get componentstatuses` is told of the parts beside the server: whether the supervisor has them running.</summary>
public sealed class ComponentHealth
{
    public const string Controllers = "controllers", Scheduler = "scheduler";
    volatile Supervisor? _supervisor;

    /// <summary>In upstream's order and names.</summary>
    public ImmutableArray<ComponentCheck> Checks => [new("scheduler", _ => Of(Scheduler)), new("controller-manager", _ => Of(Controllers))];

    /// <summary>Until then they do not run.</summary>
    public void Watch(Supervisor supervisor) => _supervisor = supervisor;

    ValueTask<string?> Of(string part) => new(_supervisor?.Runs(part) == true ? null : part + " is not running");
}
