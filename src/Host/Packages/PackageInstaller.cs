using Hanbae.Host.Runtime;

namespace Hanbae.Host.Packages;

/// <summary>Carries a <see cref="PackagePlan"/> out on this machine.</summary>
public static class PackageInstaller
{
    static readonly Dictionary<string, string> Unattended = new() { ["DEBIAN_FRONTEND"] = "noninteractive", ["NEEDRESTART_MODE"] = "l" };

    /// <summary>What the machine lacks for a node.</summary>
    public static PackagePlan Plan(string command) => PackagePlan.For(
        PackagePlan.ForNode, probe => probe.StartsWith('/') ? File.Exists(probe) : Tool.Find(probe) is not null,
        File.Exists("/etc/os-release") ? File.ReadAllText("/etc/os-release") : "", Environment.IsPrivilegedProcess, Tool.Find("apt-get") is not null, command);

    /// <exception cref="RuntimeException">A person has to act; the message says how.</exception>
    public static async Task EnsureAsync(string command, Action<string> say, CancellationToken ct)
    {
        switch (Plan(command))
        {
            case PackagePlan.Ask ask:
                throw new RuntimeException(ask.Message);
            case PackagePlan.Install install:
                say($"installing {string.Join(", ", install.Packages)}");
                await InstallAsync(install.Packages, ct);
                break;
        }
    }

    static async Task InstallAsync(IReadOnlyList<string> packages, CancellationToken ct)
    {
        // The lists of a fresh or long unused machine are missing or stale: fetched when the first try shows it.
        string[] arguments = ["install", "-y", "--no-install-recommends", .. packages];
        if ((await Tool.RunAsync("apt-get", arguments, environment: Unattended, ct: ct)).Succeeded) return;
        var update = await Tool.RunAsync("apt-get", ["update"], environment: Unattended, ct: ct);
        var again = await Tool.RunAsync("apt-get", arguments, environment: Unattended, ct: ct);
        if (!again.Succeeded)
            throw new RuntimeException($"apt-get could not install {string.Join(' ', packages)}: {again.Complaint}{(update.Succeeded ? "" : $"\n(apt-get update failed before: {update.Complaint})")}");
    }
}
