using System.CommandLine;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Images;
using Hanbae.Host.Runtime;
using Hanbae.Host.Settings;
using Hanbae.Store;

namespace Hanbae.Host.Commands;

/// <summary>What several verbs need: the data folder option, and errors told as sentences rather than stack traces.</summary>
static class Shared
{
    /// <summary>Exit codes that scripts can trust.</summary>
    public const int Ok = 0, Failed = 1, NotRunning = 3, Interrupted = 130;

    /// <summary>Of the node that is the machine's own.</summary>
    public const string MachineFolder = "/var/lib/hanbae";

    static string DefaultFolder => Environment.GetEnvironmentVariable("HANBAE_DATA_DIR") is { Length: > 0 } set ? set
        : Environment.IsPrivilegedProcess ? MachineFolder
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".hanbae");

    public static Option<string> DataDir() => new("--data-dir")
    {
        Description = "Folder of the cluster's state; two folders are two clusters. Also by HANBAE_DATA_DIR.", DefaultValueFactory = _ => DefaultFolder,
    };

    /// <summary>What to type for another verb about the same cluster.</summary>
    public static string Again(string verb, string folder)
    {
        string full = Path.GetFullPath(folder);
        if (full == Path.GetFullPath(DefaultFolder)) return "hanbae " + verb;
        return $"hanbae {verb} --data-dir {(full.Any(c => !char.IsAsciiLetterOrDigit(c) && "/._-+:@%,=".IndexOf(c) < 0) ? "'" + full.Replace("'", "'\\''") + "'" : full)}";
    }

    /// <summary>Runs a verb; what a person can mend is one line on standard error.</summary>
    /// <param name="interrupted">What to know when it is ended by Ctrl-C.</param>
    public static async Task<int> RunAsync(Func<Task<int>> verb, string interrupted = "interrupted")
    {
        try { return await verb(); }
        catch (Exception e) when (Explain(e, interrupted) is { } why)
        {
            Console.Error.WriteLine("hanbae: " + why);
            return e is OperationCanceledException ? Interrupted : Failed;
        }
    }

    /// <returns>Null for a fault of the program's own.</returns>
    internal static string? Explain(Exception e, string interrupted) => e switch
    {
        HttpRequestException { InnerException: AuthenticationException inner } =>
            $"who answers is not who the kubeconfig believes ({inner.Message}); when that file is removed, `hanbae kubeconfig` writes it anew",
        HttpRequestException => $"the API server does not answer ({e.Message}); `hanbae status` tells whether it runs, `hanbae up` starts it",
        OperationCanceledException { InnerException: TimeoutException late } => late.Message,
        OperationCanceledException => interrupted,
        UnauthorizedAccessException when !Environment.IsPrivilegedProcess => $"{e.Message.TrimEnd('.')}; for what is root's, type the same again with sudo in front",
        // A FormatException is a file that makes no sense; a StoreException says what is wrong with the disk, and what to do.
        ApiException or RuntimeException or ImageException or SettingsException or StoreException
            or IOException or UnauthorizedAccessException or SocketException or FormatException or CryptographicException => e.Message,
        _ => null,
    };

    /// <summary>As the administrator to a cluster that must be there.</summary>
    public static HttpTransport Connect(string dataDir) => KubeconfigPath.Read(dataDir, config => new HttpTransport(config, TimeProvider.System));

    /// <summary>The settings of a cluster that must be there.</summary>
    public static ClusterSettings Settings(string dataDir) => ClusterSettings.Load(dataDir) ?? throw new SettingsException(Missing(dataDir));

    /// <summary>Where else there is one that may be meant, when nobody named a folder; empty when there is none.</summary>
    public static string Elsewhere(string dataDir) => dataDir == DefaultFolder ? Owners.Elsewhere() : "";

    /// <summary>Why there is no cluster in a folder, and what to do.</summary>
    public static string Missing(string dataDir)
    {
        if (OtherClusters.IsNoted(NodePaths.Of(dataDir)))
            return $"the cluster in {dataDir} was removed by other hands and left things on this machine; `{Again("reset", dataDir)}` removes them";
        string elsewhere = Elsewhere(dataDir);
        return $"there is no cluster in {dataDir}" + (elsewhere.Length > 0 ? elsewhere : "; make one with `hanbae up`, or name its folder with --data-dir");
    }
}
