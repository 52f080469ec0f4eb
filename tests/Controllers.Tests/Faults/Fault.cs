namespace Hanbae.Controllers.Tests.Faults;

/// <summary>What goes wrong at one of the controllers' writes.</summary>
public enum Fault
{
    /// <summary>Somebody else was faster: 409, and nothing is written.</summary>
    Conflict,
    /// <summary>The server cannot just now: 503, and nothing is written.</summary>
    Refused,
    /// <summary>It is written, and the answer is lost on its way.</summary>
    AnswerLost,
    /// <summary>The controllers die after it, and start again with empty caches.</summary>
    ControllersRestart,
    /// <summary>The API server dies after it, and another begins on the same store.</summary>
    ServerRestart,
    /// <summary>All watches break off.</summary>
    WatchCut,
    /// <summary>Each watch breaks off after so many more bytes, be it in the middle of an event.</summary>
    WatchTorn,
    /// <summary>All watches end with 410: the controllers list anew.</summary>
    WatchExpired,
    /// <summary>The wall's clock goes ten minutes ahead.</summary>
    ClockForward,
    /// <summary>The wall's clock goes ten minutes back.</summary>
    ClockBack,
}
