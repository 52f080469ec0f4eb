namespace Hanbae.Server.Tests.Auth;

/// <summary>A folder for a test's files that goes with it.</summary>
public sealed class TestFolder : IDisposable
{
    readonly string _path = Directory.CreateTempSubdirectory("hanbae-auth-").FullName;

    public string Write(string name, string text)
    {
        string file = Path.Combine(_path, name);
        File.WriteAllText(file, text);
        return file;
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
