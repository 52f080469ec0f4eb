namespace Hanbae.Host.Commands;

/// <summary>What a detached cluster says: for its owner's eyes only, and never more than two files of a bounded size.</summary>
static class LogFile
{
    const long Limit = 32 << 20;
    static readonly TimeSpan s_look = TimeSpan.FromMinutes(1);

    /// <summary>There before the shell opens it, which would make it with the caller's umask.</summary>
    public static void Prepare(string log)
    {
        const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (new FileStream(log, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = own })) { }
        File.SetUnixFileMode(log, own); // older clusters' could be read by all
        Turn(log);
    }

    /// <summary>Turns the log over while the cluster runs.</summary>
    public static async Task KeepSmallAsync(string log, TimeProvider time, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_look, time);
        while (await timer.WaitForNextTickAsync(ct))
            try { Turn(log); }
            // A full disk: what is there stays, and is looked at again.
            catch (IOException) { }
    }

    /// <summary>The file that is written to stays the same, since who writes has it open: it is copied and begun anew. What is written meanwhile is lost.</summary>
    static void Turn(string log)
    {
        if (new FileInfo(log).Length <= Limit) return;
        File.Copy(log, log + ".1", overwrite: true);
        using var file = new FileStream(log, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(0);
    }
}
