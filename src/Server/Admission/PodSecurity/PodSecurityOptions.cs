using Hanbae.Api;

namespace Hanbae.Server.Admission.PodSecurity;

/// <summary>What holds where a namespace says nothing, and who is exempt: upstream's PodSecurityConfiguration.</summary>
public sealed record PodSecurityOptions
{
    public SecurityModes Defaults { get; init; } = new(new(SecurityLevel.Privileged), new(SecurityLevel.Privileged), new(SecurityLevel.Privileged));
    /// <summary>Users whose Pods are not looked at. Controllers make Pods, too: to exempt their users exempts everybody.</summary>
    public Seq<string> Usernames { get; init; } = [];
    public Seq<string> RuntimeClasses { get; init; } = [];
    public Seq<string> Namespaces { get; init; } = [];
}
