using System.Runtime.InteropServices;
using System.Text;

namespace Hanbae.Server.Health;

/// <summary>Says which Kubernetes this is.</summary>
public static class VersionEndpoint
{
    public const string Major = "1", Minor = "36", GitVersion = "v1.36.3+hanbae";

    internal static string Platform { get; } = "linux/" + (RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64");

    internal static IEnumerable<PathRoute> Paths()
    {
        byte[] body = Encoding.UTF8.GetBytes($$"""
            {
              "major": "{{Major}}",
              "minor": "{{Minor}}",
              "emulationMajor": "{{Major}}",
              "emulationMinor": "{{Minor}}",
              "minCompatibilityMajor": "{{Major}}",
              "minCompatibilityMinor": "35",
              "gitVersion": "{{GitVersion}}",
              "gitCommit": "",
              "gitTreeState": "clean",
              "buildDate": "1970-01-01T00:00:00Z",
              "goVersion": "",
              "compiler": "dotnet",
              "platform": "{{Platform}}"
            }
            """);
        yield return new("/version", false, _ => new(Reply.Bytes("application/json", body)));
        yield return new("/version/", false, _ => new(Reply.Bytes("application/json", body)));
    }
}
